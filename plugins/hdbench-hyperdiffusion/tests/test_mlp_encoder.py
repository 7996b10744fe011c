"""The field encoder: what a fit reaches, what it depends on, and the gate."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hdbench_hyperdiffusion import fitting
from hdbench_hyperdiffusion.fitting import Fit
from hdbench_hyperdiffusion.initialisation import random_weights
from hdbench_hyperdiffusion.mlp import MLPConfig, MLPEncoder, iou
from hdbench_hyperdiffusion.networks import forward

from hdbench.config import override
from hdbench.errors import HdbenchError
from hdbench.interfaces import FieldSamples, Session

SMALL = MLPConfig(
    hidden=16, near=1024, uniform=1024, held_out=512, init="random",
    fit=Fit(steps=40, batch=256), first=Fit(steps=60, batch=256, rate=1e-2), mean=Fit(steps=60, batch=256, rate=1e-2),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the flow's workers; products this small are slower on two
    yield
    torch.set_num_threads(threads)


def spheres(count: int, frames: int = 1, points: int = 1024, held_out: int = 512, shift: int = 0) -> FieldSamples:
    """Concentric spheres, of another radius per shape; a sequence grows from frame to frame."""
    generator = torch.Generator().manual_seed(7)
    draw = lambda n: torch.rand(count, frames, n, 3, generator=generator) - 0.5  # noqa: E731
    radii = (0.2 + 0.05 * (torch.arange(count) + shift) % 0.2).view(-1, 1, 1) + 0.02 * torch.arange(frames).view(1, -1, 1)
    inside = lambda p: p.norm(dim=-1) < radii  # noqa: E731
    surface = torch.nn.functional.normalize(draw(points + held_out // 2), dim=-1) * radii.unsqueeze(-1)
    surface += 0.03 * torch.randn(surface.shape, generator=generator)
    near, uniform = surface[:, :, :points], draw(points)
    held = torch.cat([surface[:, :, points:], draw(held_out // 2)], dim=2)
    names = tuple(f"sphere-{k + shift}" for k in range(count))
    nothing, grid = torch.empty(count, frames, 0, 3), torch.empty(count, frames, 0, 0, 0, dtype=torch.bool)
    return FieldSamples(names, near, inside(near), uniform, inside(uniform), held, inside(held), nothing, grid)


def fitted(config: MLPConfig, samples: FieldSamples, seed: int = 0):
    encoder, session = MLPEncoder(config), Session(seed=seed)
    return encoder.encode(samples, encoder.start([samples], session), session)


@pytest.mark.parametrize(("octaves", "frames", "parameters"), [(4, 1, 36_737), (4, 16, 37_889), (0, 1, 33_665)])
def test_layout_of_the_official_fields(octaves, frames, parameters):
    assert MLPEncoder(MLPConfig(hidden=128, octaves=octaves)).layout(frames).size == parameters


@pytest.mark.parametrize("optimiser", ["adam", "muon"])
@pytest.mark.parametrize("frames", [1, 3])
def test_a_sphere_is_fitted(frames, optimiser):
    config = replace(SMALL, hidden=32, fit=Fit(steps=300, batch=256, rate=1e-2, optimiser=optimiser))
    quality = fitted(config, spheres(2, frames, held_out=8192)).quality
    assert quality["iou_uniform"].min() > 0.93
    assert quality["iou_near"].min() > 0.90
    assert quality["loss"].max() < 0.15


@pytest.mark.parametrize("init", ["random", "first", "mean", "same"])
@pytest.mark.parametrize("optimiser", ["adam", "muon"])
def test_weights_do_not_depend_on_the_company_in_the_chunk(init, optimiser):
    config = replace(SMALL, init=init, fit=replace(SMALL.fit, optimiser=optimiser, steps=25, patience=2))
    samples, encoder, session = spheres(5), MLPEncoder(config), Session(seed=3)
    start = encoder.start([samples], session)
    together = encoder.encode(samples, start, session)
    apart = [encoder.encode(samples.select(part), start, session) for part in ([0], [1, 2], [3, 4])]
    assert torch.equal(together.weights, torch.cat([part.weights for part in apart]))
    for name, values in together.quality.items():
        assert torch.equal(values, torch.cat([part.quality[name] for part in apart]))


def test_features_made_per_batch_are_those_made_at_once(monkeypatch):
    at_once = fitted(SMALL, spheres(2)).weights
    monkeypatch.setattr(fitting, "FEATURE_BYTES", 0)
    assert torch.equal(fitted(SMALL, spheres(2)).weights, at_once)


def test_init_first_starts_all_fields_from_the_first_shapes_weights():
    samples = spheres(3)
    encoder = MLPEncoder(replace(SMALL, init="first", fit=Fit(steps=1, batch=256, rate=1e-12)))
    theta = encoder.start([samples], Session(seed=0))["theta"]
    weights = encoder.encode(samples, {"theta": theta}, Session(seed=0)).weights
    torch.testing.assert_close(weights, theta.expand(3, -1), rtol=0, atol=1e-9)
    alone = encoder.start([samples.select([0])], Session(seed=0))["theta"]
    assert torch.equal(theta, alone)


def test_init_random_starts_each_shape_elsewhere_by_its_name():
    config = replace(SMALL, fit=Fit(steps=1, batch=256, rate=1e-12))
    weights = fitted(config, spheres(2), seed=5).weights
    expected = torch.stack([random_weights(MLPEncoder(config).layout(1), 5, "encode", f"sphere-{k}") for k in range(2)])
    torch.testing.assert_close(weights, expected, rtol=0, atol=1e-9)
    assert (weights[0] - weights[1]).abs().mean() > 0.05


def test_init_mean_is_fitted_to_all_shapes():
    small, large = spheres(1), spheres(1, shift=3)
    encoder = MLPEncoder(replace(SMALL, init="mean"))
    of_both = encoder.start([small, large], Session(seed=0))["theta"]
    of_one = encoder.start([small], Session(seed=0))["theta"]
    assert not torch.equal(of_both, of_one)


def test_without_a_training_shape_the_error_says_so():
    for init in ("first", "mean"):
        with pytest.raises(HdbenchError, match="no training shape"):
            MLPEncoder(replace(SMALL, init=init)).start([], Session(seed=0))


def test_a_field_that_is_good_enough_stops_and_keeps_its_weights():
    enough = replace(SMALL, hidden=32, fit=Fit(steps=400, batch=256, rate=1e-2, decay="none", enough=0.85))
    longer = replace(enough, fit=replace(enough.fit, steps=800))
    first, second = fitted(enough, spheres(2)), fitted(longer, spheres(2))
    assert torch.equal(first.weights, second.weights)  # both stopped before the end
    assert first.quality["iou_uniform"].min() > 0.75


def test_plateau_with_patience_ends_a_fit_that_cannot_improve():
    fit = Fit(steps=2000, batch=1024, rate=1e-2, decay="plateau", floor=1e-3, patience=3)
    nothing = spheres(1)
    nothing = replace(nothing, near_inside=nothing.near_inside & False, uniform_inside=torch.rand(1, 1, 1024) > 0.5)
    config = replace(SMALL, hidden=4, octaves=0, fit=fit)
    assert torch.equal(fitted(config, nothing).weights, fitted(replace(config, fit=replace(fit, steps=4000)), nothing).weights)


def test_the_gate_lets_good_fields_through():
    encoder = MLPEncoder(MLPConfig(min_iou_near=0.6, min_iou_uniform=0.8))
    quality = {
        "iou_near": torch.tensor([0.7, 0.5, 0.7, 0.9]),
        "iou_uniform": torch.tensor([0.9, 0.9, 0.7, 0.9]),
        "loss": torch.tensor([0.1, 0.1, 0.1, torch.nan]),
    }
    assert encoder.accept(quality).tolist() == [True, False, False, False]


def test_iou_on_known_answers():
    yes, no = torch.tensor([True, True, False]), torch.tensor([False, False, False])
    assert iou(yes, yes) == 1
    assert iou(yes, torch.tensor([True, False, True])) == pytest.approx(1 / 3)
    assert iou(no, no) == 0


def test_settings_out_of_range_are_refused():
    for wrong in ({"uniform": 100}, {"scale": 0.0}, {"held_out": 1}, {"min_iou_near": 2.0}, {"sigmas": ()}):
        with pytest.raises(HdbenchError, match=next(iter(wrong))):
            MLPConfig(**wrong)
    with pytest.raises(HdbenchError, match="rate"):
        Fit(rate=0.0)


def test_decoded_sphere_has_its_radius():
    config = replace(SMALL, hidden=32, fit=Fit(steps=300, batch=256, rate=1e-2))
    weights = fitted(config, spheres(1)).weights[0]
    (mesh,) = MLPEncoder(config).decode(weights, frames=1, resolution=32, level=0.0)
    radii = (mesh.vertices**2).sum(1) ** 0.5
    assert abs(radii.mean() - 0.2) < 0.02


@pytest.mark.parametrize("near_weight", [0.25, 1.0, 4.0])
def test_points_near_the_surface_count_as_much_as_they_are_told(near_weight):
    """One place, said to be inside by all near points and outside by as many uniform ones: the best logit is log(near_weight)."""
    place, count = torch.zeros(1, 256, 3), 256
    points = fitting.Points(place, torch.ones(1, count, dtype=torch.bool), place, torch.zeros(1, count, dtype=torch.bool))
    encoder = MLPEncoder(replace(SMALL, hidden=4, octaves=0))
    layout, plan = encoder.layout(1), Fit(steps=600, batch=64, rate=2e-2, near_weight=near_weight)
    weights = fitting.fit(random_weights(layout, 0)[None], points, layout, encoder.encoding.features, plan, seed=0)
    [logit] = forward(layout.split(weights), encoder.encoding.features(torch.zeros(1, 1, 3))).flatten().tolist()
    assert logit == pytest.approx(math.log(near_weight), abs=0.01)


def test_the_mean_importance_of_points_is_one_and_the_plateau_sees_it():
    config = replace(SMALL, fit=Fit(steps=16, batch=256, near_weight=3.0, decay="plateau", patience=2))
    samples = spheres(2)
    together = fitted(config, samples).weights
    assert torch.isfinite(together).all()
    assert not torch.equal(together, fitted(replace(config, fit=replace(config.fit, near_weight=1.0)), samples).weights)
    shares = fitting._importance([64, 192], 3.0, torch.zeros(1))
    assert shares.mean().item() == pytest.approx(1)
    assert (shares[0, 0] / shares[0, -1]).item() == pytest.approx(3)


@pytest.mark.parametrize("frames", [1, 3])
def test_logits_at_points_are_those_that_meshes_are_made_of(frames):
    """A grid point has the same logit here and in the dense grid that a mesh is cut from; point i is in frame i modulo T."""
    encoder = MLPEncoder(replace(SMALL, hidden=8))
    layout = encoder.layout(frames)
    weights = torch.stack([random_weights(layout, k) for k in range(2)]).requires_grad_()
    points = torch.rand(9, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    logits = encoder.logits(weights, points, frames)
    assert logits.shape == (2, 9)
    for k in range(9):
        each = points[k].expand(frames, 1, 3)[None]  # this point in every frame
        features = encoder.encoding.features(encoder.encoding.coordinates(each))
        expected = forward(layout.split(weights[:1]), features)[0, k % frames]
        torch.testing.assert_close(logits[0, k], expected)
    logits.sum().backward()
    assert weights.grad.abs().sum(1).min() > 0


def test_positional_encoding_goes_by_the_papers_name_too():
    config = override({"encoder": MLPConfig()}, ("pe=none",))["encoder"]
    assert config.octaves == 0


def test_an_epoch_is_as_many_steps_as_it_is_told():
    """A field that has reached ``enough`` stops at the end of an epoch: after its first, as if there were no more steps."""
    samples = spheres(2)
    seven = fitted(replace(SMALL, fit=Fit(steps=7, batch=256, decay="none")), samples)
    stopped = fitted(replace(SMALL, fit=Fit(steps=40, batch=256, decay="none", epoch=7, enough=1e-6)), samples)
    assert torch.equal(stopped.weights, seven.weights)
    pass_over_all = fitted(replace(SMALL, fit=Fit(steps=40, batch=256, decay="none", enough=1e-6)), samples)
    eight = fitted(replace(SMALL, fit=Fit(steps=8, batch=256, decay="none")), samples)
    assert torch.equal(pass_over_all.weights, eight.weights)  # 2048 points in batches of 256
