"""How well one surface stands for another, where it can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hdbench.errors import HdbenchError
from hdbench.measures.reconstruction import density_aware, f_score, normal_consistency


def line(*xs):
    return np.array([(x, 0, 0) for x in xs], dtype=float)


@pytest.mark.parametrize(
    ("predicted", "truth", "score"),
    [
        ((0, 1), (0, 3), 0.5),
        ((0, 1), (0, 1), 1),
        ((0, 1), (5, 9), 0),  # precision and recall are both 0, which is no 0 / 0
        ((0, 0.5), (0,), 1),  # a point at the distance tau counts
        ((0, 7), (0,), 2 / 3),  # half of what is predicted is right, all of the truth is found
    ],
)
def test_f_score_at_a_half(predicted, truth, score):
    assert f_score(line(*predicted), line(*truth), 0.5) == pytest.approx(score)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ((0, 10), (0, 10), 1e-6),
        ((0,), (1,), 1 - np.exp(-1) / (1 + 1e-6)),
        ((0, 10), (0, 1), 0.5790154),
        ((0, 0, 0, 9), (0, 9, 9, 9), 1 / 2),  # crowding: three points share one, so each pair is worth a third
        ((0,), (1000,), 1),
        ((0,), (0, 9), 1 / 2),  # of unequal size: a point of the smaller cloud can stand for half of the larger one
    ],
)
def test_density_aware_chamfer_with_alpha_one(a, b, distance):
    assert density_aware(line(*a), line(*b), alpha=1) == pytest.approx(distance, abs=2e-6)
    assert density_aware(line(*b), line(*a), alpha=1) == pytest.approx(distance, abs=2e-6)


def test_density_aware_chamfer_stays_in_its_range_for_clouds_of_any_size():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = (rng.normal(size=(rng.integers(1, 40), 3)) for _ in range(2))
        assert 0 <= density_aware(a, b, alpha=rng.choice([0.0, 1.0, 1000.0])) <= 1


def test_normals_that_face_alike_or_the_opposite_way_are_consistent():
    up = np.array([[0, 0, 1.0]] * 3)
    points = line(0, 1, 2)
    assert normal_consistency(points, up, points + 0.1, up) == 1
    assert normal_consistency(points, up, points + 0.1, -up) == 1
    assert normal_consistency(points, up, points, np.array([[1.0, 0, 0]] * 3)) == 0


def test_normals_are_compared_at_the_nearest_points_both_ways():
    tilted = np.array([[0, 0, 1], [0, 0.8, 0.6]])
    found = normal_consistency(line(0), np.array([[0, 0, 1.0]]), line(0.1, 5), tilted)
    assert found == pytest.approx((1 + (1 + 0.6) / 2) / 2)


@pytest.mark.parametrize("wrong", [np.zeros((0, 3)), np.zeros((4, 2)), np.full((2, 3), np.nan)])
def test_what_is_no_cloud_is_refused(wrong):
    with pytest.raises(HdbenchError, match="finite points"):
        f_score(wrong, line(0), 0.5)
