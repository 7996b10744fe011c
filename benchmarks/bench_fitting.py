"""Fitting one 3 x 128 MLP beside the reference-style loop, interleaved, in CPU time of one core.

The peer is written from the description of Rgtemze/HyperDiffusion at fd2c581: a DataLoader whose items gather 2048 points
with replacement from a float64 array, an nn.Module that encodes with a list of lambdas and clones its input with
gradients on, logits through a Bernoulli distribution, summed BCE in float64, Adam, and ``.item()`` per step.

    pytest benchmarks/bench_fitting.py --benchmark-only -s
"""

from __future__ import annotations

import time
from itertools import cycle
from statistics import median

import numpy as np
import pytest
import torch
from hdbench_hyperdiffusion.fitting import Batches, Fit, Watch, fit, tile_size
from hdbench_hyperdiffusion.initialisation import labelled_points, random_weights
from hdbench_hyperdiffusion.mlp import MLPConfig, MLPEncoder, iou
from hdbench_hyperdiffusion.networks import Backward, Networks, forward
from hdbench_hyperdiffusion.optimisers import Adam
from hdbench_shapes.airplane import Airplanes
from torch import nn

from hdbench.sampling import sample_field, stack
from hdbench.shapes import normalise

POINTS, BATCH, EPOCH = 100_000, 2048, 97
ROUNDS, STEPS = 7, 20
LOOK = 4  # epochs of the peer between two looks at its IoU
PEER_SECONDS = 100.0  # the longest that the peer is waited for
OURS = MLPConfig(
    hidden=128, octaves=4, scale=1.0, init="random", near=POINTS, uniform=POINTS, sigmas=(0.01,), held_out=2 * POINTS
)  # fmt: skip
QUICK = Fit(steps=800, batch=1024, optimiser="muon", rate=1e-2)


class PeerPoints(torch.utils.data.Dataset):
    """One pass is an epoch; the index of an item is ignored."""

    def __init__(self, samples):
        parts = [
            np.concatenate([points[0, 0].numpy(), inside[0, 0].numpy()[:, None]], axis=1)
            for points, inside in ((samples.near, samples.near_inside), (samples.uniform, samples.uniform_inside))
        ]
        self.points = np.concatenate(parts).astype(np.float64)

    def __len__(self):
        return EPOCH

    def __getitem__(self, index):
        chosen = self.points[np.random.randint(0, len(self.points), BATCH)]
        return {"coords": torch.from_numpy(chosen[:, :3]).float()}, {"sdf": torch.from_numpy(chosen[:, 3:])}


class PeerMLP(nn.Module):
    """Three hidden layers of 128 over 27 features."""

    def __init__(self, weights):
        super().__init__()
        self.embed = [lambda x: x]
        for frequency in 2.0 ** torch.linspace(0.0, 3.0, 4):
            for wave in (torch.sin, torch.cos):
                self.embed.append(lambda x, wave=wave, frequency=frequency: wave(x * frequency))
        self.layers = nn.ModuleList([nn.Linear(27, 128), nn.Linear(128, 128), nn.Linear(128, 128), nn.Linear(128, 1)])
        nn.utils.vector_to_parameters(weights, self.parameters())

    def forward(self, model_input):
        coordinates = model_input["coords"].clone().detach().requires_grad_(True)
        x = torch.cat([f(coordinates) for f in self.embed], -1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return {"model_in": coordinates, "model_out": torch.distributions.Bernoulli(logits=self.layers[-1](x)).logits}


class Peer:
    """The reference-style loop, a step at a time."""

    def __init__(self, samples, weights):
        self.net = PeerMLP(weights)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=1e-2)
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, factor=0.8, patience=10, threshold=0, min_lr=1e-5
        )
        self.items = (item for epoch in cycle([torch.utils.data.DataLoader(PeerPoints(samples), batch_size=1)]) for item in epoch)
        self.losses = []

    def run(self, steps):
        torch.set_flush_denormal(False)
        for _ in range(steps):
            given, expected = next(self.items)
            logits = self.net(given)["model_out"]
            loss = (
                nn.functional.binary_cross_entropy_with_logits(logits.double(), expected["sdf"], reduction="none")
                .sum((1, 2))
                .mean()
            )
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.losses.append(loss.item())
            if len(self.losses) % EPOCH == 0:
                self.plateau.step(np.mean(self.losses[-EPOCH:]))

    def weights(self):
        return nn.utils.parameters_to_vector(self.net.parameters()).detach()


class Ours:
    """Our loop with the same batch and optimiser, a step at a time."""

    def __init__(self, samples, weights):
        encoder = MLPEncoder(OURS)
        networks = Networks(encoder.layout(1), weights[None])
        self.tile = tile_size(BATCH, networks.layout)
        self.batches = Batches(labelled_points(samples, encoder.encoding), encoder.encoding.features, BATCH, 0, weights)
        self.backward, self.adam, self.step = Backward(networks, self.tile), Adam(networks), 0
        self.watch = Watch(Fit(decay="plateau"), networks)

    def run(self, steps):
        torch.set_flush_denormal(True)
        for _ in range(steps):
            features, labels = self.batches(self.step)
            self.backward.gradients.flat.zero_()
            for x, y in zip(features.split(self.tile, 1), labels.split(self.tile, 1)):
                self.watch.see(self.backward.add(x, y), y)  # the peer looks at its loss too
            self.adam.step(self.backward.gradients, 1e-2)
            self.step += 1


def cpu_seconds(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


@pytest.fixture(scope="module")
def airplane():
    """One airplane: 100,000 points near its surface and as many in the box, and twice that held out."""
    torch.set_num_threads(1)
    source = Airplanes(Airplanes.Config())
    return stack([sample_field(normalise(source.shape(source.names()[0])), MLPEncoder(OURS).queries(), 0)])


def held_out_iou(samples, weights):
    """IoU over all held-out points, half of them near the surface."""
    encoder = MLPEncoder(OURS)
    features = encoder.encoding.features(encoder.encoding.coordinates(samples.held_out))
    return iou(forward(encoder.layout(1).split(weights[None]), features)[0] > 0, samples.held_out_inside[0, 0]).item()


def fitted(samples, plan):
    encoder = MLPEncoder(OURS)
    torch.set_flush_denormal(True)
    layout, points = encoder.layout(1), labelled_points(samples, encoder.encoding)
    return fit(random_weights(layout, 0)[None], points, layout, encoder.encoding.features, plan, 0)[0]


@pytest.mark.parametrize("state", ["fresh", "fitted"])
def test_steps_per_second(airplane, state, benchmark):
    """The issue's figure: at least twice the steps per second, batch 2048."""
    weights = random_weights(MLPEncoder(OURS).layout(1), 0) if state == "fresh" else fitted(airplane, QUICK)
    peer, ours = Peer(airplane, weights.clone()), Ours(airplane, weights.clone())
    times = []
    for _ in range(ROUNDS):
        times.append([cpu_seconds(lambda side=side: side.run(STEPS))[0] / STEPS * 1e3 for side in (peer, ours)])
    theirs_ms, ours_ms = (median(column) for column in zip(*times))
    ratio = theirs_ms / ours_ms
    print(f"\n{BATCH} points, {state} weights: reference style {theirs_ms:.2f} ms, ours {ours_ms:.2f} ms a step, {ratio:.2f}x")
    benchmark.extra_info["times the reference style's steps per second"] = ratio
    benchmark.pedantic(ours.run, args=(STEPS,), rounds=3)
    assert ratio >= 2


@pytest.mark.timeout(1800)  # on a machine with other work
def test_seconds_to_equal_iou(airplane, benchmark):
    """The issue's figure: the same held-out IoU in at least 10 times less CPU time. Two to three minutes on an idle core."""
    plans = {"muon": QUICK, "adam": Fit(steps=3200, batch=1024, rate=5e-3, beta2=0.999)}
    seconds, goals = {}, {}
    for name, plan in plans.items():
        seconds[name], weights = cpu_seconds(lambda plan=plan: fitted(airplane, plan))
        goals[name] = held_out_iou(airplane, weights)
        print(f"\nours, {name}, {plan.batch} x {plan.steps}: IoU {goals[name]:.4f} in {seconds[name]:.1f} s", end="")
    curve = peer_curve(airplane, max(goals.values()))
    again, _ = cpu_seconds(lambda: benchmark.pedantic(fitted, args=(airplane, QUICK), rounds=1))
    seconds["muon"] = max(seconds["muon"], again)  # before and after the peer: the machine's mood must not help us
    print(f"\nreference style, {BATCH} x {len(curve) * LOOK * EPOCH}: IoU {max(v for _, v in curve):.4f} in {curve[-1][0]:.1f} s")
    for name, goal in goals.items():
        theirs = next((spent for spent, value in curve if value >= goal), None)
        ratio = (theirs or curve[-1][0]) / seconds[name]
        print(f"to IoU {goal:.4f}: {'' if theirs else 'more than '}{ratio:.1f} times our CPU time ({name})")
        assert name != "muon" or ratio >= 10


def peer_curve(samples, goal):
    """(CPU seconds, held-out IoU) of the peer after every few epochs, until the goal or its patience; looking is free."""
    peer, spent, curve = Peer(samples, random_weights(MLPEncoder(OURS).layout(1), 0)), 0.0, []
    while spent < PEER_SECONDS and (not curve or curve[-1][1] < goal):
        spent += cpu_seconds(lambda: peer.run(LOOK * EPOCH))[0]
        curve.append((spent, held_out_iou(samples, peer.weights())))
    return curve
