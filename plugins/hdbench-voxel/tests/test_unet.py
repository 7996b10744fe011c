from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hdbench_voxel.recipe import BOOK
from hdbench_voxel.unet import UNet3D, UNetConfig, channels_to_space, space_to_channels

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.training import Training
from hdbench.weights import WeightLayout

PAPER: UNetConfig = BOOK.presets["paper"].denoiser
SMALL = UNetConfig(channels=8, mult=(1, 2), groups=4, patch=1)


def layout(frames: int = 1, resolution: int = 8) -> WeightLayout:
    return WeightLayout(("occupancy",), ((frames, resolution, resolution, resolution),))


def network(config: UNetConfig, frames: int = 1, resolution: int = 8) -> torch.nn.Module:
    """A network whose zeroed layers are woken, so that outputs say something."""
    torch.manual_seed(0)
    net = UNet3D(config).network(layout(frames, resolution)).eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return net


@pytest.mark.parametrize(("frames", "count"), [(1, 10_420_289), (16, 10_446_224)])
def test_the_paper_preset_has_the_released_number_of_parameters(frames, count):
    with torch.device("meta"):
        net = UNet3D(PAPER).network(layout(frames, 24))
    assert sum(p.numel() for p in net.parameters()) == count


CONFIGS = [
    SMALL,
    replace(SMALL, patch=2),
    replace(SMALL, resample="conv", attention=(2,), head_channels=8),
    replace(SMALL, resample="conv", keep_depth=True, blocks=2, attention=(1,), head_channels=4),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("frames", [1, 3])
def test_a_prediction_has_the_shape_of_the_weights_and_rows_are_independent(config, frames):
    net, noised, step = network(config, frames), torch.randn(4, frames * 512), torch.tensor([0, 3, 7, 499])
    with torch.no_grad():
        together, alone = net(noised, step), net(noised[2:3], step[2:3])
    assert together.shape == noised.shape
    assert torch.allclose(together[2:3], alone, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
def test_the_prediction_depends_on_the_step(config):
    net, noised = network(config), torch.randn(1, 512)
    with torch.no_grad():
        assert not torch.allclose(net(noised, torch.tensor([1])), net(noised, torch.tensor([400])), atol=1e-3)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_parameter_is_used(config):
    net = network(config)
    net(torch.randn(2, 512), torch.tensor([5, 50])).square().sum().backward()
    unused = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert unused == []


def test_keep_depth_halves_only_the_last_two_axes():
    seen = []
    net = network(replace(SMALL, resample="conv", keep_depth=True))
    net.unet.middle.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape[2:]))
    net(torch.randn(1, 512), torch.tensor([0]))
    assert seen == [(8, 4, 4)]


def test_an_untrained_network_says_zero():
    net = UNet3D(SMALL).network(layout())
    assert not net(torch.randn(1, 512), torch.tensor([9])).any()


def test_folding_cells_into_channels_is_undone_and_keeps_neighbours_together():
    grid = torch.arange(2 * 3 * 4**3).view(2, 3, 4, 4, 4)
    folded = space_to_channels(grid, 2)
    assert torch.equal(channels_to_space(folded, 2), grid)
    assert torch.equal(folded[1, 8:16, 1, 0, 1], grid[1, 1, 2:4, 0:2, 2:4].flatten())


def test_training_lowers_the_loss():
    generator = torch.Generator().manual_seed(0)
    weights = torch.where(torch.randn(4, 512, generator=generator) > 0, 1.0, -1.0)
    torch.manual_seed(0)
    denoiser = UNet3D(replace(SMALL, training=Training(steps=16, batch=4, lr=2e-2, warmup=0)))
    loss = denoiser.train(denoiser.network(layout()), weights, Schedule(), Session(seed=0))["loss"]
    assert loss[0] == pytest.approx(1.0)  # it says zero, the cells are -1 and 1
    assert loss[-4:].mean() < 0.9


@pytest.mark.parametrize(
    ("config", "wrong", "hint"),
    [
        (SMALL, WeightLayout(("a", "b"), ((4,), (4,))), "encoder 'voxel'"),
        (SMALL, WeightLayout(("occupancy",), ((200,),)), "space 'raw'"),
        (SMALL, WeightLayout(("occupancy",), ((1, 7, 7, 7),)), "does not divide by 2"),
        (replace(SMALL, groups=3), layout(), "groups 3"),
    ],
)
def test_weights_that_do_not_fit_are_refused(config, wrong, hint):
    with pytest.raises(HdbenchError, match=hint):
        UNet3D(config).network(wrong)
