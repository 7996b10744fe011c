"""The losses in closed form; a start that learns; a training that was killed ends in the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hdbench_shapegan.adversarial import Duel, GridFields, PointFields, critic_loss, enter
from hdbench_shapegan.autodecoder import make_normal
from hdbench_shapegan.baseline import ShapeGAN
from hdbench_shapegan.discriminators import VoxelDiscriminator
from hdbench_shapegan.generators import SDFNet
from hdbench_shapegan.settings import PRESETS, Adversarial, ShapeGANConfig, Stages, Start
from hdbench_shapegan.surface import GridField
from torch import nn

from hdbench.config import from_dict
from hdbench.errors import HdbenchError
from hdbench.interfaces import Session, TrainingSet
from hdbench.testing.made import RADII, balls


class Linear(nn.Module):
    """D(x) = w x, whose gradient is w everywhere."""

    def __init__(self, weights):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(weights))

    def forward(self, grids):
        return grids.flatten(1) @ self.w


def test_the_loss_of_a_linear_discriminator_is_its_mean_difference_and_ten_times_its_excess_slope():
    critic, grid = Linear([3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), torch.zeros(8, 3)
    real, fake = torch.zeros(2, 8), torch.zeros(2, 8)
    real[:, 0], fake[:, 1] = 1.0, torch.tensor([1.0, 3.0])
    loss = critic_loss(critic, GridFields(grid, real), grid, real, fake, torch.tensor([[0.2], [0.7]]), 10.0)
    assert loss.item() == pytest.approx(4.0 * 2.0 - 3.0 * 1.0 + 10.0 * (5.0 - 1.0) ** 2)


def test_the_penalty_falls_between_real_and_fake_as_the_mix_says():
    class Square(nn.Module):
        def forward(self, grids):
            return grids.flatten(1).square().sum(1) / 2  # its gradient is x

    grid, real, fake = torch.zeros(8, 3), torch.zeros(1, 8), torch.zeros(1, 8)
    real[0, 0], fake[0, 1] = 3.0, 4.0
    at = lambda mix: critic_loss(Square(), GridFields(grid, real), grid, real, fake, torch.tensor([[mix]]), 1.0).item()  # noqa: E731
    assert at(1.0) == pytest.approx(16 / 2 - 9 / 2 + (3 - 1) ** 2)
    assert at(0.0) == pytest.approx(16 / 2 - 9 / 2 + (4 - 1) ** 2)


def duel(**changes):
    torch.manual_seed(0)
    return Duel.begin(SDFNet(4, 8), VoxelDiscriminator((4,)), Adversarial(features=(4,), **changes))


def fields(count=2):
    return GridFields(torch.rand(512, 3), torch.rand(count, 512))


def changed(module, before):
    return any(not torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("shared", [True, False])
def test_each_network_learns_in_its_turn_alone(shared):
    both = duel(shared=shared)
    for attack in (False, True):
        before = {name: value.clone() for name, value in both.generator.state_dict().items()}
        critic = {name: value.clone() for name, value in both.discriminator.state_dict().items()}
        both.fight(fields(), torch.tensor([0, 1]), torch.Generator().manual_seed(0), attack)
        assert changed(both.generator, before) == attack
        assert changed(both.discriminator, critic)


def test_the_generator_moves_to_what_the_discriminator_likes():
    both = duel(generator_lr=1e-3)
    points, codes = torch.rand(512, 3), torch.randn(16, 4)
    score = lambda: both.discriminator(both.generator(points, codes).view(-1, 8, 8, 8)).mean().item()  # noqa: E731
    before = score()
    for _ in range(20):
        both.learners[0].step(-both.discriminator(both.generator(points, codes).view(-1, 8, 8, 8)).mean())
    assert score() > before


def test_the_running_average_lags_and_becomes_the_generator():
    both = duel(ema=0.75, optimiser="adam")
    name = "layers2.6.bias"
    start = both.average[name].clone()
    both.fight(fields(), torch.tensor([0, 1]), torch.Generator().manual_seed(0), True)
    now = both.generator.state_dict()[name].clone()
    both.finish()
    assert torch.allclose(both.generator.state_dict()[name], 0.75 * start + 0.25 * now)
    assert not torch.equal(start, now)


def test_stages_enter_by_their_resolution_and_fade_in_but_the_first():
    net = VoxelDiscriminator((4, 4, 4))
    for size, first, share, expected in ((8, True, 0.0, (0, 1.0)), (16, False, 0.02, (1, 0.5)), (32, False, 0.5, (2, 1.0))):
        enter(net, size, first, share, 0.04)
        assert (net.stage, net.fade) == expected


def test_points_of_a_step_are_of_the_shapes_of_its_rows():
    places = torch.arange(3.0)[:, None, None].expand(3, 10, 3)
    points, distances = PointFields(places, places[..., 0], 5).points(torch.tensor([2, 0]), torch.Generator().manual_seed(0))
    assert points.shape == (2, 5, 3)
    assert torch.equal(distances, torch.tensor([2.0, 0.0])[:, None].expand(2, 5))


def test_codes_from_a_normal_generator_have_the_moments_of_the_fitted_ones():
    torch.manual_seed(0)
    codes = torch.randn(50, 4) @ torch.randn(4, 4) + torch.randn(4)
    net, given = SDFNet(4, 8), []
    net.absorb = lambda mean, factor: given.extend((mean, factor))
    make_normal(net, codes)
    assert torch.allclose(given[0], codes.mean(0), atol=1e-5)
    assert torch.allclose(given[1] @ given[1].T, torch.cov(codes.T), atol=1e-4)


def training():
    shapes = {shape.name: shape for shape in balls(1)}
    return TrainingSet(tuple(shapes), torch.zeros(len(shapes), 1, 4, 3), shapes.__getitem__)


def brief(variant="voxel", steps=(3, 3), start=4, **adversarial):
    sizes = (8, 16) if variant == "voxel" else (16, 24)
    stages = Stages(sizes=sizes, batches=(2, 3), epochs=(1, 1), steps=steps)
    return ShapeGANConfig(
        variant=variant, latent=3, hidden=8, truncation=0.4, checkpoint_seconds=0.0, **{variant: stages},
        start=Start(steps=start, batch=2, pool=32, points=16),
        adversarial=Adversarial(every=2, ema=0.5, features=(4, 4), **adversarial),
    )  # fmt: skip


@pytest.mark.parametrize("optimiser", ["rmsprop", "adam"])
@pytest.mark.parametrize("variant", ["voxel", "point"])
def test_a_training_that_is_killed_anywhere_ends_in_the_same_bits(variant, optimiser):
    config, saved = brief(variant, optimiser=optimiser), []
    keep = lambda tensors: saved.append({name: value.clone() for name, value in tensors.items()})  # noqa: E731
    whole = ShapeGAN(config).fit(training(), Session(seed=5, save=keep))
    assert len(saved) >= 6
    for checkpoint in saved:
        again = ShapeGAN(config).fit(training(), Session(seed=5, load=lambda c=checkpoint: c))
        assert all(torch.equal(value, again[name]) for name, value in whole.items())


def test_another_seed_is_another_training():
    one, other = (ShapeGAN(brief()).fit(training(), Session(seed=seed)) for seed in (0, 1))
    assert not torch.equal(one["generator.layers1.0.weight"], other["generator.layers1.0.weight"])


def test_a_start_learns_the_distances_of_three_spheres():
    config = ShapeGANConfig(
        latent=2, hidden=32, initial="spread", truncation=0.4, voxel=Stages(sizes=(8,), batches=(2,), epochs=(0,)),
        start=Start(steps=600, batch=3, pool=1024, points=256),
    )  # fmt: skip
    baseline = ShapeGAN(config)
    state = baseline.fit(training(), Session(seed=0))
    samples = baseline.sample(state, 6, Session(seed=0))
    radii = np.array([np.linalg.norm(mesh.vertices, axis=1).mean() for (mesh,) in samples])
    assert min(RADII) - 0.15 < radii.min()
    assert radii.max() < max(RADII) + 0.15  # codes beyond the fitted ones go on a little beyond their radii


def test_the_released_recipe_has_a_thousand_epochs_on_four_grids_and_2400_on_points():
    config = ShapeGANConfig()
    assert config.voxel.lengths(3236) == (250 * 203,) * 4
    assert sum(config.point.epochs) == 2400
    assert config.point.lengths(3236)[-1] == 900 * 540
    assert PRESETS["paper"] == {}


@pytest.mark.parametrize("preset", list(PRESETS))
def test_presets_are_settings(preset):
    config = from_dict(ShapeGANConfig(), PRESETS[preset])
    sentence = ShapeGAN(config).provenance()
    assert ("the released schedule" in sentence) == (preset == "paper")


def test_stages_that_do_not_fit_are_refused_before_anything_is_computed():
    ragged = Stages(sizes=(8, 16), batches=(2,), epochs=(1, 1))
    with pytest.raises(HdbenchError, match=r"stages.batches.* 2 in all"):
        ShapeGAN(ShapeGANConfig(voxel=ragged)).provenance()
    with pytest.raises(HdbenchError, match=r"voxel.sizes.*rising"):
        ShapeGAN(
            ShapeGANConfig(voxel=Stages(sizes=(8, 32), batches=(2, 2), epochs=(1, 1)), adversarial=Adversarial(features=(4, 4)))
        ).provenance()


def test_a_grid_of_another_size_is_still_the_released_recipe():
    assert "the released schedule" in ShapeGAN(ShapeGANConfig(resolution=32)).provenance()
    assert "64 wide" in ShapeGAN(ShapeGANConfig(hidden=64)).provenance()


def test_a_diverged_training_stops_and_says_what_to_lower():
    with pytest.raises(HdbenchError, match="Lower adversarial"):
        ShapeGAN(brief(penalty=1e39, start=0)).fit(training(), Session(seed=0))


def test_the_field_keeps_its_bits_whatever_else_is_asked_for():
    torch.manual_seed(0)
    field = GridField(SDFNet(4, 32), torch.randn(4), 16, 1.0)
    places = np.argwhere(np.ones((16, 16, 16), bool))
    some = np.random.default_rng(0).permutation(len(places))[:700]
    assert np.array_equal(field.at(places[some]), field.at(places)[some])
