"""Neuron alignment: the same function, never farther from the anchor, and a permuted copy is undone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hdbench_hyperdiffusion.alignment import aligned
from hdbench_hyperdiffusion.fitting import Fit
from hdbench_hyperdiffusion.mlp import MLPConfig, MLPEncoder
from hdbench_hyperdiffusion.networks import forward, layer_layout

from hdbench.interfaces import Session
from hdbench.testing.made import ball_samples

LAYOUT = layer_layout(9, 12, 3)
SETTINGS = MLPConfig(hidden=8, octaves=1, near=256, uniform=256, held_out=64, fit=Fit(steps=30, batch=128),
                     first=Fit(steps=30, batch=128), mean=Fit(steps=30, batch=128))  # fmt: skip


def random_rows(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, LAYOUT.size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def permuted(row: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """The same MLP with the units of every hidden layer in another order."""
    generator = torch.Generator().manual_seed(seed)
    layers = {name: part[0].clone() for name, part in LAYOUT.split(row[None]).items()}
    for k in range(3):
        order = torch.randperm(12, generator=generator)
        for name in (f"layers.{k}.weight", f"layers.{k}.bias"):
            layers[name] = layers[name][order]
        layers[f"layers.{k + 1}.weight"] = layers[f"layers.{k + 1}.weight"][:, order]
    return LAYOUT.join({name: part[None] for name, part in layers.items()})[0]


def test_the_function_is_the_same_to_the_last_bit():
    """Whole numbers are summed exactly in any order, so nothing may differ."""
    rows = (3 * random_rows(5)).round()
    features = (4 * torch.randn(5, 50, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)).round()
    after = aligned(rows, LAYOUT, random_rows(1, seed=9)[0])
    assert not torch.equal(after, rows)
    assert torch.equal(forward(LAYOUT.split(after), features), forward(LAYOUT.split(rows), features))


def test_another_order_of_the_anchor_becomes_the_anchor():
    anchor = random_rows(1)[0]
    copies = torch.stack([permuted(anchor, seed) for seed in range(5)])
    assert (copies - anchor).norm(dim=1).min() > 1
    assert torch.equal(aligned(copies, LAYOUT, anchor), anchor.expand(5, -1))


def test_noise_on_a_permuted_anchor_is_all_that_is_left():
    anchor = random_rows(1)[0]
    noisy = permuted(anchor) + 0.05 * random_rows(1, seed=3)[0]
    distance = (aligned(noisy[None], LAYOUT, anchor)[0] - anchor).norm()
    assert distance.item() == pytest.approx(0.05 * random_rows(1, seed=3).norm().item(), rel=1e-6)


def test_the_distance_to_the_anchor_only_falls():
    rows, anchor = random_rows(20), random_rows(1, seed=9)[0]
    before, after = ((r - anchor).norm(dim=1) for r in (rows, aligned(rows, LAYOUT, anchor)))
    assert (after < before).all()


def test_the_anchor_itself_stays_and_so_do_aligned_rows():
    rows, anchor = random_rows(3), random_rows(1, seed=9)[0]
    once = aligned(rows, LAYOUT, anchor)
    assert torch.equal(aligned(once, LAYOUT, anchor), once)
    assert torch.equal(aligned(anchor[None], LAYOUT, anchor)[0], anchor)


@pytest.mark.parametrize("init", ["random", "same", "first", "mean"])
def test_an_encoder_that_aligns_fits_the_same_fields_in_another_order(init):
    plain, session = MLPEncoder(replace(SETTINGS, init=init)), Session(seed=0)
    ordered = MLPEncoder(replace(SETTINGS, init=init, align=True))
    samples = ball_samples(plain.queries(), 1)
    start, with_anchor = plain.start([samples], session), ordered.start([samples], session)
    assert with_anchor.keys() - start.keys() == {"anchor"}
    before, after = plain.encode(samples, start, session), ordered.encode(samples, with_anchor, session)
    assert torch.equal(after.weights, aligned(before.weights, plain.layout(1), with_anchor["anchor"]))
    if init in ("random", "same"):  # the anchor is the first shape's own MLP
        assert torch.equal(with_anchor["anchor"], before.weights[0])
    distance = lambda encoded: (encoded.weights - with_anchor["anchor"]).norm()  # noqa: E731
    assert distance(after) <= distance(before)
    for name, values in before.quality.items():
        torch.testing.assert_close(after.quality[name], values, atol=2e-3, rtol=0)
