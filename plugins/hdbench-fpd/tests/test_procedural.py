"""The embedded network: which file it is, how much it knows, and what its features see."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import torch
from hdbench_fpd.defects import blocks, missing, noise
from hdbench_fpd.extractors import NoSettings, ProceduralFeatures
from hdbench_fpd.frechet import frechet
from hdbench_fpd.lessons import CLASSES, Notes, accuracy, described, generator, kind_of, lesson
from hdbench_fpd.pointnet2 import PointNet2
from hdbench_fpd.weights import EMBEDDED, header, read, sha256

from hdbench.interfaces import Session
from hdbench.points import unit_sphere
from hdbench.sampling import evaluation_cloud

SHA256 = "d024c76b3cc171a4ff1bd6a0402fb91a2a0dda1e34c1f524fef6abe71022bd7a"
HELD_OUT = 0.9533  # accuracy on 600 shapes, as trained
COUNT = 40


def features(clouds):
    return ProceduralFeatures(NoSettings()).extract(unit_sphere(np.asarray(clouds, np.float32)), Session(0))


@cache
def clouds(category, seed):
    source = generator(category)(generator(category).Config(count=COUNT, seed=seed))
    return np.stack([evaluation_cloud(source.shape(name), 2048, seed)[0] for name in source.names()])


@pytest.fixture(scope="module")
def airplanes():
    """Features of a reference, and clouds of as many other airplanes on the unit sphere."""
    return features(clouds("airplane", 100)), unit_sphere(clouds("airplane", 101)).astype(np.float64)


def test_the_file_is_the_one_that_the_readme_names():
    assert sha256(EMBEDDED) == SHA256
    said = header(EMBEDDED)
    assert float(said["held-out accuracy"]) == HELD_OUT
    assert tuple(json.loads(said["classes"])) == CLASSES
    assert ProceduralFeatures(NoSettings()).fingerprint() == SHA256[:12]


def test_held_out_accuracy_on_fresh_shapes():
    network = PointNet2(len(CLASSES)).eval()
    network.load_state_dict(read(EMBEDDED))
    lessons = [lesson(k, 2, damage=False) for k in range(120)]
    found = torch.from_numpy(features([one.cloud for one in lessons])).float()
    right = accuracy(network.classify(found).argmax(1).tolist(), lessons)
    assert abs(right - HELD_OUT) < 3 * np.sqrt(HELD_OUT * (1 - HELD_OUT) / 120) + 1 / 120


def test_labels_are_those_of_the_shapes_that_the_generator_makes():
    for category in ("airplane", "car", "chair"):
        source = generator(category)(generator(category).Config(count=3, seed=9))
        for index, name in enumerate(source.names()):
            shape, choices = described(category, index, 9)
            assert np.array_equal(shape.frames[0].vertices, source.shape(name).frames[0].vertices)
            assert CLASSES[kind_of(category, choices)].startswith(category)
    assert len(CLASSES) == 49


def test_notes_draw_what_the_generator_draws():
    notes = Notes(np.random.default_rng(0))
    drawn = notes.between(2, 3), notes.chance(0.5), notes.one_of(a=0.5, b=0.5)
    rng = np.random.default_rng(0)
    assert drawn == (rng.uniform(2, 3), rng.random() < 0.5, str(rng.choice(["a", "b"], p=[0.5, 0.5])))
    assert notes.choices == {("a", "b"): drawn[2]}


@pytest.mark.parametrize("defect", [noise, blocks, missing])
def test_fpd_rises_with_the_size_of_a_defect(airplanes, defect):
    reference, good = airplanes
    found = [frechet(features(good), reference)]
    for size in (0.0, 0.5, 1.0):
        bad = [defect(cloud, size, np.random.default_rng(k)) for k, cloud in enumerate(good)]
        found.append(frechet(features([np.resize(cloud, (2048, 3)) for cloud in bad]), reference))
    assert (np.diff(found) > 0).all(), found


def test_other_categories_are_far_and_other_shapes_of_one_are_near(airplanes):
    reference, good = airplanes
    oracle = frechet(features(good), reference)
    assert frechet(features(clouds("car", 101)), reference) > 5 * oracle
    assert frechet(features(clouds("chair", 101)), reference) > 5 * oracle


def test_other_points_of_the_same_shapes_are_nearer_than_other_shapes():
    source = generator("chair")(generator("chair").Config(count=COUNT, seed=100))
    again = [evaluation_cloud(source.shape(name), 2048, 7)[0] for name in source.names()]
    reference = features(clouds("chair", 100))
    assert frechet(features(again), reference) < 0.5 * frechet(features(clouds("chair", 101)), reference)
