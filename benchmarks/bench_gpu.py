"""What a GPU is for, and how far from its limits it runs: the paper's transformer, and fits of the paper's MLPs.

Needs a CUDA device and is skipped without one. ``HDBENCH_GPU_TFLOPS`` and ``HDBENCH_GPU_TB_PER_S`` give the limits of the
device (dense bfloat16; memory), which are printed beside; by default those of an H100 SXM, 989 and 3.35.

    pytest benchmarks/bench_gpu.py -s -o addopts=--import-mode=importlib

The third figure, ``small`` on 500 airplanes with a transformer of width 512 within an hour, is a command:

    hdbench run --method hyperdiffusion --preset small -o shapes.count=500 -o denoiser.width=512 -o denoiser.heads=8 --device cuda
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import replace

import pytest
import torch
from hdbench_hyperdiffusion.fitting import GPU_GROUP, Points, fit
from hdbench_hyperdiffusion.initialisation import random_weights
from hdbench_hyperdiffusion.mlp import MLPEncoder
from hdbench_hyperdiffusion.recipe import BOOK
from hdbench_hyperdiffusion.transformer import WeightTransformer

from hdbench.schedule import Schedule
from hdbench.training import _noised, _State

TFLOPS = float(os.environ.get("HDBENCH_GPU_TFLOPS", "989"))
TB_PER_S = float(os.environ.get("HDBENCH_GPU_TB_PER_S", "3.35"))
BATCH = 32
ADAM_BYTES = 4 * 7 + 4 * 2  # per parameter: AdamW reads p, g, m, v and writes p, m, v; the gradient is written, then cleared
PAPER = BOOK.presets["paper"]

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def seconds_of(step, rounds: int) -> float:
    """Median seconds of a step, the device waited for."""
    taken = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        step()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def floor_of(network: torch.nn.Module, tokens: int) -> float:
    """Seconds that a step cannot go below: products at the device's rate, then the optimiser's memory traffic."""
    count = sum(p.numel() for p in network.parameters())
    products = sum(p.numel() for p in network.parameters() if p.dim() == 2)
    return 6 * products * tokens * BATCH / (TFLOPS * 1e12) + ADAM_BYTES * count / (TB_PER_S * 1e12)


def reached(floor: float, taken: float) -> str:
    return f"floor {floor * 1e3:.2f} ms, {floor / taken:.0%} of it reached"


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "bfloat16-compiled"])
def test_a_training_step_of_the_papers_transformer(benchmark, precision):
    benchmark.group = f"one training step of the paper's transformer, batch {BATCH}"
    layout = MLPEncoder(PAPER.encoder).layout(1)
    training = replace(PAPER.denoiser.training, precision=precision, batch=BATCH, epochs=1000)
    network = WeightTransformer(PAPER.denoiser).network(layout).cuda().train()
    state = _State.begin(network, training, total=10_000)
    weights = torch.randn(320, layout.size, device="cuda")

    def step() -> None:
        state.advance(*_noised(weights, Schedule(), BATCH, 0, state.step), rate=1e-4)

    seconds_of(step, 5)  # compiles, and fills the moments
    taken = benchmark.pedantic(seconds_of, (step, 30), rounds=1)
    floor = floor_of(network, tokens=len(layout.sizes) + 1)  # one token per tensor of the MLP, one for the time
    count = sum(p.numel() for p in network.parameters())
    benchmark.extra_info |= {"seconds": taken, "floor": floor, "parameters": count}
    print(print(f"{precision}: {taken * 1e3:.1f} ms with {count / 1e9:.2f} G parameters; {reached(floor, taken)}"))


def test_fits_of_the_papers_mlps_per_second(benchmark):
    """A part of the paper's steps, and the whole by proportion: every step costs the same."""
    benchmark.group = "fitting the paper's 3 x 128 MLPs"
    encoder, part = MLPEncoder(PAPER.encoder), 0.002
    layout, plan = encoder.layout(1), replace(PAPER.encoder.fit, decay="none", patience=0)
    where = torch.rand(GPU_GROUP, 2, PAPER.encoder.near, 3, device="cuda") * 2 - 1
    inside = where.norm(dim=-1) < 0.5
    points = Points(where[:, 0], inside[:, 0], where[:, 1], inside[:, 1])
    initial = random_weights(layout, 0).cuda().expand(GPU_GROUP, -1).contiguous()

    def fits(steps: int) -> None:
        fit(initial, points, layout, encoder.encoding.features, replace(plan, steps=steps), seed=0)

    seconds_of(lambda: fits(50), 1)
    steps = int(plan.steps * part)
    taken = benchmark.pedantic(seconds_of, (lambda: fits(steps), 1), rounds=1) / steps
    floor = 6 * layout.size * plan.batch * GPU_GROUP / (TFLOPS / 16 * 1e12)  # float32 runs at a sixteenth of dense bfloat16
    rate = GPU_GROUP / (taken * plan.steps)
    benchmark.extra_info |= {"shapes_per_second": rate, "seconds_per_step": taken, "floor": floor}
    print(
        print(f"{rate:.2f} shapes/s at {plan.steps} steps; {taken * 1e3:.2f} ms per step of {GPU_GROUP}; {reached(floor, taken)}")
    )
