"""Strips, on spheres: fields of one weight, the radius, whose denoiser has a closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hdbench.engine import Engine
from hdbench.flow import run
from hdbench.plan import make_plan
from hdbench.progress import Reporter
from hdbench.registry import Registry, builtin_commands
from hdbench.stages.decode import unpack
from hdbench.stages.diffuse import TILE
from hdbench.stages.strips import _between
from hdbench.store import Store, load_info, load_tensors
from hdbench.workers import Workers


def spheres(folder, *overrides: str, reference_rows: bool = False):
    """(the row of the method, the only part of each stage by its function's name)."""
    plan = make_plan(
        builtin_commands(Registry()).load(), ("sphere",), preset="tiny", data="spheres",
        overrides=("count=40", "draws=1", "protocol.normalisation=none", "points=32", *overrides),
    )  # fmt: skip
    with Workers(1) as workers, Reporter(quiet=True) as reporter:
        result = run(plan, Engine(Store(folder), workers, reporter, seed=0), reference_rows)
    parts = {path.parent.name.partition("-")[0]: path for path in folder.glob("*/part-00000.safetensors")}
    return {outcome.title: outcome for outcome in result.outcomes}, parts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return spheres(tmp_path_factory.mktemp("strips"), reference_rows=True)


def weights(part) -> torch.Tensor:
    return load_tensors(part)["weights"]


def test_the_last_look_at_a_sample_is_the_sample(whole):
    _, parts = whole
    looks = weights(parts["trajectory"]).unflatten(0, (3, 8))
    assert torch.equal(looks[:, -1], weights(parts["sample"])[:3])
    assert not torch.equal(looks[:, 0], looks[:, -1])


def test_looks_are_evenly_spread_from_pure_noise_to_the_last_step(whole):
    info = load_info(whole[1]["trajectory"])
    assert info["steps"][0] == 999
    assert info["steps"][-1] == 0
    assert np.ptp(np.diff(info["steps"])) <= 2 * 999 / (info["evaluations"] - 1)  # to the nearest evaluation


def test_of_pure_noise_a_denoiser_predicts_the_mean_of_its_training_fields(whole):
    """At step 999 a share of 4e-5 of the variance is signal, so the best guess is the mean, but for 0.6 % of a deviation per unit
    of noise."""
    _, parts = whole
    fields = torch.cat([weights(path) for path in sorted(parts["encode"].parent.glob("part-*"))])
    first = weights(parts["trajectory"]).unflatten(0, (3, 8))[:, 0]
    assert (first - fields.mean()).abs().max() < 4 * 0.0064 * fields.std()


def test_fewer_evaluations_than_looks_are_all_shown(tmp_path):
    outcomes, parts = spheres(tmp_path, "sampler.steps=5")
    assert load_info(parts["trajectory"])["steps"] == [999, 749, 500, 250, 0]
    assert len(weights(parts["trajectory"])) == 3 * 5
    trajectories = [strip for strip in outcomes["Sphere"].strips if strip.kind == "trajectory"]
    assert [len(unpack(load_tensors(strip.meshes))) for strip in trajectories] == [5, 5, 5]


def test_between_two_samples_it_begins_at_the_first_and_ends_at_the_second(whole):
    mixed, samples = weights(whole[1]["between_samples"]), weights(whole[1]["sample"])
    assert len(mixed) == 9
    assert mixed[[0, -1]].flatten().tolist() == pytest.approx(samples[:2].flatten().tolist(), abs=1e-6)


def test_noise_between_two_samples_is_as_large_as_noise():
    """cos^2 + sin^2 = 1: a mixture of independent N(0, 1) on a quarter of a circle is N(0, 1)."""
    generator = torch.Generator().manual_seed(0)
    pair = torch.randn(2, 100_000, generator=generator)
    mixed = _between(lambda draw: pair, 9)(0)
    assert mixed.shape == (TILE, 100_000)
    assert mixed[:9].std(1).tolist() == pytest.approx([1.0] * 9, abs=0.01)
    assert torch.equal(mixed[0], pair[0])
    assert mixed[8].tolist() == pytest.approx(pair[1].tolist(), abs=1e-6)


def test_between_two_fields_is_a_straight_line(whole):
    _, parts = whole
    line, names = weights(parts["between_fields"]), load_info(parts["between_fields"])["names"]
    files = sorted(parts["encode"].parent.glob("part-*"))
    place = {name: row for path in files for name, row in zip(load_info(path)["names"], weights(path))}
    ends = [place[name] for name in names]
    assert torch.equal(line[[0, -1]], torch.stack(ends))
    assert line.diff(dim=0).flatten().tolist() == pytest.approx([float(ends[1] - ends[0]) / 8] * 8, abs=1e-6)


def test_strips_are_of_the_method_alone_and_say_what_they_are(whole):
    outcomes, _ = whole
    titles = [strip.title for strip in outcomes["Sphere"].strips]
    assert len(titles) == 3 + 2
    assert titles[0].startswith("Sphere, sample 0: what ddim (")
    assert all(not outcome.strips for title, outcome in outcomes.items() if title != "Sphere")


def test_shapes_of_a_strip_are_spheres_of_the_radii_that_its_weights_say(whole):
    outcomes, parts = whole
    [strip] = [strip for strip in outcomes["Sphere"].strips if "weights" in strip.title]
    found = [np.linalg.norm(frames[0].vertices, axis=1).mean() for frames in unpack(load_tensors(strip.meshes))]
    assert found == pytest.approx(weights(parts["between_fields"]).flatten().tolist(), abs=2e-3)
