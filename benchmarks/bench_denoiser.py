"""One training step of the weight transformer, ours beside the reference's way, in CPU time of one core.

The reference way (Rgtemze/HyperDiffusion at fd2c581, G.pt's transformer.py) writes attention out (scores, softmax,
weighted sum) with separate projections, and lets AdamW walk over tensors one by one. Same weights, same batch.

    pytest benchmarks/bench_denoiser.py -s -o addopts=--import-mode=importlib
"""

from __future__ import annotations

import math
import statistics
import time

import pytest
import torch
from hdbench_hyperdiffusion.transformer import TransformerConfig, WeightTransformer
from torch import Tensor, nn

from hdbench.schedule import Schedule
from hdbench.training import Training, _noised, _State
from hdbench.weights import WeightLayout


def layout_of(hidden: int) -> WeightLayout:
    shapes = ((hidden, 27), (hidden,), (hidden, hidden), (hidden,), (hidden, hidden), (hidden,), (1, hidden), (1,))
    return WeightLayout(tuple(map(str, range(8))), shapes)


SIZES = {
    "tiny, fields 3 x 32": (TransformerConfig(), layout_of(32)),
    "width 384, fields 3 x 128": (TransformerConfig(width=384, layers=6, heads=6), layout_of(128)),
}
SCHEDULE, TRAINING = Schedule(), Training()


class WrittenOutAttention(nn.Module):
    """Attention with its scores in memory, over the projections of one of ours."""

    def __init__(self, ours: nn.Module) -> None:
        super().__init__()
        self.heads, self.key, self.query, self.value, self.proj = ours.heads, ours.key, ours.query, ours.value, ours.proj

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        query, key, value = (
            f(x).view(b, t, self.heads, c // self.heads).transpose(1, 2) for f in (self.query, self.key, self.value)
        )
        scores = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(c // self.heads), dim=-1)
        return self.proj((scores @ value).transpose(1, 2).reshape(b, t, c))


def network(size: str) -> nn.Module:
    torch.manual_seed(0)
    config, layout = SIZES[size]
    return WeightTransformer(config).network(layout).train()


def fields(size: str) -> Tensor:
    return torch.randn(320, SIZES[size][1].size, generator=torch.Generator().manual_seed(0))


def our_step(size: str):
    state, weights = _State.begin(network(size), TRAINING, total=10_000), fields(size)

    def step() -> None:
        state.advance(*_noised(weights, SCHEDULE, TRAINING.batch, 0, state.step), rate=1e-3)

    return step


def reference_step(size: str):
    net, weights = network(size), fields(size)
    for block in net.decoder.blocks:
        block.attn = WrittenOutAttention(block.attn)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, foreach=False, fused=False)
    average = [p.detach().clone() for p in net.parameters()]

    def step() -> None:
        noised, when, target = _noised(weights, SCHEDULE, TRAINING.batch, 0, 0)
        loss = nn.functional.mse_loss(net(noised, when), target)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0, foreach=False)
        optimiser.step()
        with torch.no_grad():
            for mean, parameter in zip(average, net.parameters()):
                mean.mul_(0.995).add_(parameter, alpha=0.005)
        loss.item()

    return step


def interleaved(*steps, rounds: int) -> list[float]:
    """Median CPU seconds of each step, taken in turns, so that what else the machine does hits both."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    seconds = []
    for _ in range(rounds):
        for step in steps:
            begin = time.process_time()
            step()
            seconds.append(time.process_time() - begin)
    return [statistics.median(seconds[i :: len(steps)]) for i in range(len(steps))]


@pytest.mark.parametrize("size", SIZES)
def test_training_step(benchmark, size):
    benchmark.group = "denoiser: one training step and one of the reference, batch 64"
    steps = our_step(size), reference_step(size)
    interleaved(*steps, rounds=2)
    ours, reference = benchmark.pedantic(interleaved, steps, {"rounds": 11}, rounds=1)
    benchmark.extra_info |= {"ours_cpu_s": ours, "reference_cpu_s": reference, "ratio": reference / ours}
    print(f"{size}: ours {ours * 1e3:.1f} ms, reference {reference * 1e3:.1f} ms, {reference / ours:.2f} times")


@pytest.mark.parametrize("size", SIZES)
def test_both_ways_compute_the_same(size):
    ours, theirs = network(size), network(size)
    for block in theirs.decoder.blocks:
        block.attn = WrittenOutAttention(block.attn)
    noised, step = torch.randn(4, SIZES[size][1].size), torch.tensor([0, 10, 100, 499])
    with torch.no_grad():
        assert torch.allclose(ours(noised, step), theirs(noised, step), atol=1e-5)
