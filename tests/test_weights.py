from __future__ import annotations

import pytest
import torch

from hdbench.errors import HdbenchError
from hdbench.weights import WeightLayout, weight_space

LAYOUT = WeightLayout(("layers.0.weight", "layers.0.bias", "layers.1.weight"), ((3, 4), (3,), (1, 3)))
GENERATOR = torch.Generator().manual_seed(0)
WEIGHTS = torch.randn(12, 18, generator=GENERATOR) * torch.linspace(0.1, 2, 18) + torch.arange(18.0)
MODES = ["raw", "global", "perdim", "pca"]


def test_the_official_mlp_has_36737_weights():
    shapes = ((128, 27), (128,), (128, 128), (128,), (128, 128), (128,), (1, 128), (1,))
    layout = WeightLayout(tuple(map(str, range(8))), shapes)
    assert layout.sizes == (3456, 128, 16384, 128, 16384, 128, 128, 1)
    assert layout.size == 36_737


def test_parts_are_in_order_and_row_major():
    layers = LAYOUT.split(torch.arange(18.0)[None])
    assert layers["layers.0.weight"][0, 1].tolist() == [4, 5, 6, 7]
    assert layers["layers.0.bias"][0].tolist() == [12, 13, 14]
    assert layers["layers.1.weight"].shape == (1, 1, 3)


def test_splitting_is_undone_by_joining():
    assert torch.equal(LAYOUT.join(LAYOUT.split(WEIGHTS)), WEIGHTS)


@pytest.mark.parametrize("mode", MODES)
def test_every_space_gives_the_training_weights_back(mode):
    space = weight_space(WEIGHTS, LAYOUT, mode)
    assert torch.allclose(space.inverse(space.forward(WEIGHTS)), WEIGHTS, atol=1e-4)
    assert space.forward(WEIGHTS).shape == (12, space.layout.size)


def test_raw_changes_nothing():
    assert torch.equal(weight_space(WEIGHTS, LAYOUT, "raw").forward(WEIGHTS), WEIGHTS)


def test_perdim_has_zero_mean_and_unit_spread_in_every_coordinate():
    coordinates = weight_space(WEIGHTS, LAYOUT, "perdim").forward(WEIGHTS)
    assert torch.allclose(coordinates.mean(0), torch.zeros(18), atol=1e-5)
    assert torch.allclose(coordinates.std(0), torch.ones(18), atol=1e-5)


@pytest.mark.parametrize("mode", ["global", "pca"])
def test_one_scale_leaves_distances_in_proportion(mode):
    """Neither a shift nor a rotation nor one common scale changes the ratio of two distances."""
    coordinates = weight_space(WEIGHTS, LAYOUT, mode).forward(WEIGHTS)
    ratio = torch.pdist(coordinates) / torch.pdist(WEIGHTS)
    assert torch.allclose(ratio, ratio[0].expand_as(ratio), rtol=1e-4)
    assert coordinates.square().mean().item() == pytest.approx(1, abs=0.1)


def test_pca_needs_no_more_axes_than_there_are_fields():
    few = weight_space(WEIGHTS[:3], LAYOUT, "pca")
    assert few.layout.shapes == ((2,), (2,), (2,))  # three points span a plane
    assert torch.allclose(few.inverse(few.forward(WEIGHTS[:3])), WEIGHTS[:3], atol=1e-4)


def test_pca_axes_are_orthonormal_and_sorted_by_variance():
    space = weight_space(WEIGHTS, LAYOUT, "pca")
    first = space.forward(WEIGHTS)[:, : space.layout.sizes[0]]
    covariance = first.T @ first
    assert torch.allclose(covariance, covariance.diag().diag(), atol=1e-3)
    assert (covariance.diag().diff() <= 1e-4).all()


@pytest.mark.parametrize("mode", MODES)
def test_weights_that_never_change_come_back_unchanged(mode):
    """Dead units of a shared start never move: whatever the denoiser says about them stays within a thousandth."""
    frozen = WEIGHTS.clone()
    frozen[:, 5] = 7.0
    space = weight_space(frozen, LAYOUT, mode)
    assert torch.allclose(space.inverse(space.forward(frozen))[:, 5], torch.full((12,), 7.0), atol=1e-5)
    if mode in ("perdim", "pca"):
        wild = space.inverse(torch.randn(12, space.layout.size, generator=GENERATOR))
        assert (wild[:, 5] - 7).abs().max() < 1e-3 * 4 * 2


@pytest.mark.parametrize("mode", MODES)
def test_fields_that_are_all_alike_do_not_divide_by_zero(mode):
    alike = WEIGHTS[:1].expand(4, -1)
    space = weight_space(alike, LAYOUT, mode)
    assert torch.isfinite(space.forward(alike)).all()
    assert torch.allclose(space.inverse(space.forward(alike)), alike, atol=1e-5)


def test_an_unknown_space_is_refused():
    with pytest.raises(HdbenchError, match="Known: raw"):
        weight_space(WEIGHTS, LAYOUT, "pcaa")  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", MODES)
def test_a_space_on_another_device_is_the_same_space(mode):
    space = weight_space(WEIGHTS, LAYOUT, mode)
    there = space.to(torch.device("meta"))
    assert {t.device.type for t in (there.mean, there.scale, *(there.bases or ()))} == {"meta"}
    assert torch.equal(space.to(torch.device("cpu")).forward(WEIGHTS), space.forward(WEIGHTS))
