"""Earth Mover's distances: worked out by hand, equal to scipy's optimum, and the approximations from their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from hdbench.distances.assignment import assign
from hdbench.distances.emd import emd, emd_matrix
from hdbench.errors import HdbenchError

VARIANTS = ("exact", "approx", "approx-squared")


def line(*xs):
    return np.array([x if isinstance(x, tuple) else (x, 0, 0) for x in xs], dtype=np.float32)


def ball(seed, count, axes=(1, 1, 1)):
    """Points on an ellipsoid, scaled to unit standard deviation."""
    points = np.random.default_rng(seed).normal(size=(count, 3))
    points *= np.array(axes) / np.linalg.norm(points, axis=1, keepdims=True)
    return (points / points.std()).astype(np.float32)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        (line(0, 1), line(1, 2), 1),
        (line(0, 0), line(0, (0, 0, 2)), 1),
        (line(0, 1, 2), line(0, 1, 2) + np.float32([0, 0, 5]), 5),
        (line(0, 0, 3), line(0, 3, 3), 1),  # Chamfer is blind to how many points lie at a place: it says 0
        (line((0, 0, 0)), line((3, 4, 0)), 5),
        (line(7), line(7), 0),
    ],
)
def test_fixed_vectors(a, b, distance):
    assert emd(a, b) == pytest.approx(distance)
    assert emd(b, a) == pytest.approx(distance)


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 200])
@pytest.mark.parametrize("kind", ["real", "few values", "equal points"])
def test_an_assignment_is_a_bijection_of_least_cost(count, kind):
    rng = np.random.default_rng(count)
    cost = {
        "real": rng.random((count, count)),
        "few values": rng.integers(0, 4, (count, count)),
        "equal points": cdist(*rng.integers(0, 3, (2, count, 3)).astype(float)),
    }[kind].astype(np.float32)
    found = assign(cost)
    assert sorted(found) == list(range(count))
    best = cost[linear_sum_assignment(cost)].sum(dtype=np.float64)
    assert cost[np.arange(count), found].sum(dtype=np.float64) == pytest.approx(best, rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 30), st.integers(0, 10_000), st.floats(1e-6, 1e6))
def test_any_cloud_at_any_scale_gives_the_optimum(count, seed, scale):
    a, b = (np.random.default_rng(seed).normal(size=(2, count, 3)) * scale).astype(np.float32)
    cost = cdist(a.astype(np.float64), b.astype(np.float64))
    assert emd(a, b) == pytest.approx(cost[linear_sum_assignment(cost)].mean(), rel=1e-6)


def test_copies_that_were_shuffled_are_no_distance_apart():
    cloud = ball(0, 300)
    assert emd(cloud, np.random.default_rng(1).permutation(cloud)) == 0


def test_a_shift_is_its_own_length():
    cloud = ball(0, 300)
    assert emd(cloud, cloud + np.float32([0, 0.3, 0.4])) == pytest.approx(0.5, rel=1e-6)


# -------------------------------------------------------------------------------------------------------- approximations


def approximation(giving, taking, sharpnesses, squared):
    """Its definition in double precision, with a whole transport plan."""
    gaps = cdist(giving.astype(np.float64), taking.astype(np.float64), "sqeuclidean")
    plan, left, room = np.zeros_like(gaps), np.ones(len(giving)), np.ones(len(taking))
    for sharpness in sharpnesses:
        kernel = np.exp(-sharpness * gaps)
        share = left / (kernel @ room + 1e-9)
        offered = (share @ kernel) * room
        taken = np.minimum(room / (offered + 1e-9), 1) * room
        moved = share[:, None] * kernel * taken
        plan, room = plan + moved, np.maximum(0, room - offered)
        left = np.maximum(0, left - moved.sum(1))
    return (plan * (gaps if squared else np.sqrt(gaps))).sum() / len(giving)


POINTFLOW = [4.0**k for k in range(7, -2, -1)]
PVD = [*POINTFLOW, 0.0]


@pytest.mark.parametrize("seed", range(4))
def test_the_approximations_follow_their_published_definition(seed):
    a, b = ball(seed, 97), ball(seed + 100, 97, axes=(1.3, 0.5, 0.7))
    assert emd(a, b, "approx") == pytest.approx(approximation(b, a, POINTFLOW, False), rel=3e-5)
    assert emd(a, b, "approx-squared") == pytest.approx(approximation(b, a, PVD, True), rel=3e-5)


def test_the_approximations_of_two_points_are_the_distance_and_its_square():
    assert emd(line(0), line(0.5), "approx") == pytest.approx(0.5, rel=1e-5)
    assert emd(line(0), line(0.5), "approx-squared") == pytest.approx(0.25, rel=1e-5)


def test_the_approximation_lies_a_quarter_to_a_half_above_the_exact_value_at_2048_points():
    for other in (ball(1, 2048), ball(2, 2048, axes=(1.3, 0.5, 0.7))):
        assert 1.25 < emd(ball(0, 2048), other, "approx") / emd(ball(0, 2048), other) < 1.5


def test_the_approximations_depend_on_which_cloud_comes_first_and_both_ways_are_computed():
    clouds = np.stack([ball(0, 128), ball(1, 128, (1.3, 0.5, 0.7))])[:, None]
    within = emd_matrix(clouds, variant="approx")
    assert within[0, 1] == emd(clouds[0, 0], clouds[1, 0], "approx")
    assert within[1, 0] == emd(clouds[1, 0], clouds[0, 0], "approx")
    assert within[0, 1] != within[1, 0]


# ---------------------------------------------------------------------------------------------------------------- sets


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_matrix_holds_means_over_frames_whatever_the_number_of_threads(variant):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(n, 2, 40, 3)).astype(np.float32) for n in (3, 5))
    matrix = emd_matrix(a, b, variant, threads=1)
    assert matrix.shape == (3, 5)
    assert matrix[2, 3] == np.mean([emd(a[2, t], b[3, t], variant) for t in range(2)])
    assert np.array_equal(matrix, emd_matrix(a, b, variant, threads=3))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_set_with_itself_is_as_with_a_copy_but_for_the_diagonal(variant):
    a = np.random.default_rng(0).normal(size=(5, 1, 40, 3)).astype(np.float32)
    within, between = emd_matrix(a, None, variant), emd_matrix(a, a.copy(), variant)
    others = ~np.eye(5, dtype=bool)
    assert within[others] == pytest.approx(between[others])
    assert (np.diag(within) == 0).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_empty_samples_are_infinitely_far_from_all_others(variant):
    a = np.random.default_rng(0).normal(size=(3, 1, 8, 3)).astype(np.float32)
    a[1] = np.nan
    within = emd_matrix(a, None, variant)
    assert np.isinf(within).tolist() == [[False, True, False], [True, False, True], [False, True, False]]
    assert np.isinf(emd_matrix(a, a[:2].copy(), variant)).tolist() == [[False, True], [True, True], [False, True]]


def test_only_the_first_points_count():
    a, b = np.random.default_rng(0).normal(size=(2, 1, 1, 50, 3))
    assert emd_matrix(a, b, points=20) == emd_matrix(a[:, :, :20], b[:, :, :20], points=50)


def test_clouds_far_from_the_origin_keep_their_digits():
    a, b = np.random.default_rng(0).normal(size=(2, 1, 1, 50, 3))
    assert emd_matrix(a + 1e6, b + 1e6) == pytest.approx(emd_matrix(a, b), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: emd_matrix(a, a[:, :, :4]), "clouds of 8 points meet clouds of 4"),
        (lambda a: emd_matrix(a, a[:, :1]), "2 frames cannot be compared with sequences of 1"),
        (lambda a: emd_matrix(a[0]), r"\[n, t, q, 3\]"),
        (lambda a: emd_matrix(a, points=0), "at least one point"),
        (lambda a: emd_matrix(a, variant="aprox"), "Did you mean 'approx'"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(HdbenchError, match=message):
        call(np.zeros((2, 2, 8, 3), np.float32))
