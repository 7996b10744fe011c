"""Generators and discriminators: the released layouts, and their forward passes stated once more as the papers write them."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hdbench_shapegan.discriminators import PointDiscriminator, VoxelDiscriminator
from hdbench_shapegan.generators import SDFGenerator, SDFNet, generator_of
from torch import nn

VOXEL = {
    f"layers{part}.{2 * k}.{kind}": shape
    for part, inputs, outputs in ((1, (131, 256, 256, 256), (256,) * 4), (2, (387, 256, 256, 256), (256, 256, 256, 1)))
    for k, (a, b) in enumerate(zip(inputs, outputs))
    for kind, shape in (("weight", (b, a)), ("bias", (b,)))
}
POINT = {
    **{f"lins.{k}.weight": (1 if k == 7 else 256, {0: 3, 4: 259}.get(k, 256)) for k in range(8)},
    **{f"lins.{k}.bias": (1 if k == 7 else 256,) for k in range(8)},
    **{f"norms.{k}.{kind}": (1 if k == 7 else 256,) for k in range(8) for kind in ("weight", "bias")},
    **{f"z_lin{k}.{kind}": shape for k in (1, 2) for kind, shape in (("weight", (256, 128)), ("bias", (256,)))},
}
BOTH = pytest.mark.parametrize("kind", [SDFNet, SDFGenerator])


def shapes(module):
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def shaken(kind, *sizes):
    """A generator whose every parameter matters."""
    torch.manual_seed(0)
    generator = kind(*sizes)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return generator


def test_the_voxel_generator_has_the_released_layout():
    assert shapes(SDFNet()) == VOXEL
    assert sum(p.numel() for p in SDFNet().parameters()) == 462_337


def test_the_point_generator_has_the_released_layout():
    assert shapes(SDFGenerator()) == POINT
    assert sum(p.numel() for p in SDFGenerator().parameters()) == 466_435


def test_the_voxel_discriminator_has_the_released_layout_with_every_convolution_twice():
    channels = [(128, 256), (64, 128), (32, 64), (1, 32)]
    expected = {"head.1.weight": (128, 64 * 256), "head.1.bias": (128,), "head.3.weight": (1, 128), "head.3.bias": (1,)}
    for k, (a, b) in enumerate(channels):
        for name in (f"optional_layers.{k}.0", f"optional_layer_{k}.0"):
            expected |= {f"{name}.weight": (b, a, 4, 4, 4), f"{name}.bias": (b,)}
    assert shapes(VoxelDiscriminator()) == expected


def test_the_point_discriminator_has_the_released_layout():
    widths = {"nn1": (4, 64, 128, 256, 512), "nn2": (512, 256, 128, 1)}
    expected = {}
    for part, sizes in widths.items():
        for k, (a, b) in enumerate(pairwise(sizes)):
            expected |= {f"{part}.{2 * k}.weight": (b, a), f"{part}.{2 * k}.bias": (b,)}
    assert shapes(PointDiscriminator()) == expected


def test_the_voxel_generator_reads_points_and_code_side_by_side_at_both_places():
    net = shaken(SDFNet, 5, 16)
    points, code = torch.randn(7, 3), torch.randn(5)
    rows = torch.cat([points, code.expand(7, 5)], 1)
    expected = net.layers2(torch.cat([net.layers1(rows), rows], 1))[:, 0]
    assert torch.allclose(net(points, code[None])[0], expected, atol=1e-6)


def test_the_point_generator_normalises_after_the_code_is_added():
    net = shaken(SDFGenerator, 5, 16)
    points, code = torch.randn(7, 3), torch.randn(5)
    x = points
    for k in range(8):
        x = net.lins[k](torch.cat([x, points], 1) if k == 4 else x)
        x = x + {0: net.z_lin1, 4: net.z_lin2}[k](code) if k in (0, 4) else x
        if k < 7:
            centred = x - x.mean(1, keepdim=True)
            x = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt() * net.norms[k].weight + net.norms[k].bias
            x = x.clamp(min=0)
    assert torch.allclose(net(points, code[None])[0], x[:, 0], atol=1e-5)


@BOTH
def test_points_of_their_own_for_each_shape_give_the_same_as_shape_by_shape(kind):
    net, points, codes = shaken(kind, 5, 16), torch.randn(2, 7, 3), torch.randn(2, 5)
    alone = torch.cat([net(points[k], codes[k : k + 1]) for k in range(2)])
    assert torch.allclose(net(points, codes), alone, atol=1e-6)


@BOTH
def test_the_field_of_a_code_is_the_generator_at_that_code(kind):
    net, points, code = shaken(kind, 5, 16), torch.randn(7, 3), torch.randn(5)
    with torch.no_grad():
        assert torch.allclose(net.field(code)(points), net(points, code[None])[0], atol=1e-6)


@BOTH
def test_a_generator_that_absorbed_an_affine_map_gives_at_e_what_it_gave_at_m_plus_a_e(kind):
    before, after = shaken(kind, 5, 16), shaken(kind, 5, 16)
    mean, factor, code, points = torch.randn(5), torch.randn(5, 5), torch.randn(1, 5), torch.randn(7, 3)
    after.absorb(mean, factor)
    assert torch.allclose(after(points, code), before(points, mean + code @ factor.T), atol=1e-5)


@BOTH
def test_widths_are_read_from_the_tensors(kind):
    net = shaken(kind, 5, 16)
    again = generator_of(net.state_dict())
    assert type(again) is kind
    assert again.latent == 5
    assert torch.equal(again(torch.zeros(1, 3), torch.ones(1, 5)), net(torch.zeros(1, 3), torch.ones(1, 5)))


def test_a_new_resolution_is_read_in_the_first_channel_of_zeros():
    net = VoxelDiscriminator((6, 5, 4))
    net.stage, grids = 1, torch.randn(2, 16, 16, 16)
    values = torch.cat([grids[:, None], torch.zeros(2, 3, 16, 16, 16)], 1)  # as many channels as come from 32^3
    expected = net.head(net.optional_layers[0](net.optional_layers[1](values)))[:, 0]
    assert torch.allclose(net(grids), expected, atol=1e-6)


def test_at_the_beginning_of_its_fading_in_a_stage_sees_the_coarser_grid_alone():
    net = VoxelDiscriminator((6, 5, 4))
    grids = torch.randn(2, 16, 16, 16)
    net.stage, net.fade = 1, 0.0
    faded = net(grids)
    net.stage = 0
    assert torch.allclose(faded, net(grids[:, ::2, ::2, ::2]), atol=1e-6)


def test_half_way_a_stage_sees_the_mean_of_both():
    net = VoxelDiscriminator((6, 5))
    net.head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 6, 1))
    net.optional_layers[0][1] = nn.Identity()  # linear behind the fading, so that the mean of inputs is the mean of scores
    grids, scores = torch.randn(2, 16, 16, 16), {}
    net.stage = 1
    for fade in (0.0, 0.5, 1.0):
        net.fade = fade
        scores[fade] = net(grids)
    assert torch.allclose(scores[0.5], (scores[0.0] + scores[1.0]) / 2, atol=1e-6)


def test_the_point_discriminator_does_not_see_the_order_of_points_nor_repetitions():
    net, points, values = PointDiscriminator(), torch.randn(2, 9, 3), torch.randn(2, 9)
    order = torch.tensor([3, 1, 4, 0, 5, 8, 2, 6, 7, 7, 3])
    assert torch.allclose(net(points, values), net(points[:, order], values[:, order]), atol=1e-6)
