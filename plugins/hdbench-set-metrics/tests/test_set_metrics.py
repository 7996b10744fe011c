"""MMD, COV and 1-NNA on sets of single points on a line, where d = 2 (x - y)^2 and the answers can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hdbench_set_metrics.chamfer import Coverage, MatchingDistanceOfSamples, MinimumMatchingDistance, NearestNeighbourAccuracy
from hypothesis import given, settings
from hypothesis import strategies as st

from hdbench.distances.chamfer import chamfer_matrix
from hdbench.interfaces import Comparison
from hdbench.protocol import Protocol
from hdbench.scoring.evidence import Sets, prepare
from hdbench.scoring.evidence import compare as compare_sets
from hdbench.shape_set import ShapeSet

METRICS = (MinimumMatchingDistance, Coverage, NearestNeighbourAccuracy)
NAN = float("nan")


def compare(reference, generated, ties="fair"):
    r, g = (np.array([[[[x, 0 * x, 0 * x]]] for x in xs], dtype=np.float32) for xs in (reference, generated))
    return Comparison(g, r, chamfer_matrix(g, r), chamfer_matrix(g), chamfer_matrix(r), ties)


def measure(reference, generated, ties="fair"):
    comparison = compare(reference, generated, ties)
    return {k: v for metric in METRICS for k, v in metric(metric.Config()).measure(comparison).items()}


@pytest.mark.parametrize("ties", ["fair", "first"])
@pytest.mark.parametrize(
    ("reference", "generated", "mmd", "cov", "nna"),
    [
        ([0, 10], [1, 1.5], 73.25, 50, 50),
        ([0, 1, 5], [0, 1, 5], 0, 100, 0),  # copies are recognised by nobody
        ([0, 1], [100, 101], 19801, 50, 100),
        ([0, 10, 20], [4, 14, 24], 32, 100, 0),
    ],
)
def test_fixed_vectors(reference, generated, mmd, cov, nna, ties):
    found = measure(reference, generated, ties)
    assert found["MMD"] == pytest.approx(100 * mmd)
    assert found["COV"] == pytest.approx(cov)
    assert found["1-NNA"] == pytest.approx(nna)


def test_a_collapsed_generator_has_an_ideal_mean_of_a_bad_pair():
    found = measure([0, 10], [1, 1.5])
    assert (found["1-NNA"], found["acc_t"], found["acc_f"]) == (50, 0, 100)


def test_a_tie_earns_half_a_credit_or_goes_to_the_reference():
    fair, first = measure([0, 1], [2]), measure([0, 1], [2], ties="first")
    assert (fair["1-NNA"], fair["acc_t"], fair["acc_f"]) == (50, 75, 0)
    assert first["1-NNA"] == pytest.approx(100 * 2 / 3)


def test_a_generated_shape_that_ties_is_taken_for_a_reference_by_the_rule_first():
    fair, first = measure([2], [0, 1]), measure([2], [0, 1], ties="first")
    assert (fair["acc_t"], fair["acc_f"]) == (0, 75)
    assert (first["acc_t"], first["acc_f"]) == (0, 50)


def test_a_sample_between_two_references_covers_half_of_each():
    assert measure([0, 2], [1])["COV"] == pytest.approx(50)
    assert measure([0, 2], [1, 1])["COV"] == pytest.approx(75)  # two samples choose independently
    assert measure([0, 2], [1, 1], ties="first")["COV"] == pytest.approx(50)


def test_an_empty_sample_is_recognised_covers_nothing_and_matches_nothing():
    found = measure([0, 1, 2, 3], [0.1, 1.1, 2.1, NAN])
    assert found["COV"] == 75
    assert found["MMD"] == pytest.approx(measure([0, 1, 2, 3], [0.1, 1.1, 2.1])["MMD"])
    assert found["acc_f"] == 25
    assert measure([0, 5], [0.1, NAN])["1-NNA"] == 25


@pytest.mark.parametrize("ties", ["fair", "first"])
def test_all_samples_empty_is_the_worst_of_every_metric(ties):
    assert measure([0, 1], [NAN, NAN], ties) == {"MMD": np.inf, "COV": 0, "1-NNA": 100, "acc_t": 100, "acc_f": 100}


LINES = st.lists(st.integers(-20, 20), min_size=2, max_size=8)


@settings(deadline=None, max_examples=60)
@given(LINES, LINES, st.randoms(use_true_random=False))
def test_metrics_stay_in_range_and_ignore_the_order_of_samples(reference, generated, random):
    found = measure(reference, generated)
    random.shuffle(reference)
    random.shuffle(generated)
    assert measure(reference, generated) == pytest.approx(found)
    for metric in METRICS:
        low, high = metric.range
        assert low <= next(iter(metric(metric.Config()).measure(compare(reference, generated)).values())) <= high


@settings(deadline=None, max_examples=30)
@given(LINES)
def test_accuracy_is_symmetric_in_the_two_sets(points):
    a, b = points, [x + 0.3 for x in points]
    assert measure(a, b)["1-NNA"] == pytest.approx(measure(b, a)["1-NNA"])


def test_only_mmd_feels_the_scale_of_the_distances():
    a, b = [0, 1, 4, 9, 17], [0.4, 2.2, 4.3, 8.0, 30.0]
    small, large = measure(a, b), measure([3 * x for x in a], [3 * x for x in b])
    assert large["MMD"] == pytest.approx(9 * small["MMD"])
    assert (large["COV"], large["1-NNA"]) == (small["COV"], small["1-NNA"])


def test_a_better_generator_scores_better_in_every_direction():
    rng = np.random.default_rng(0)
    reference, near, far = rng.normal(0, 1, 40), rng.normal(0, 1, 40), rng.normal(3, 1, 40)
    good, bad = measure(reference, near), measure(reference, far)
    assert good["MMD"] < bad["MMD"]
    assert good["COV"] > bad["COV"]
    assert abs(good["1-NNA"] - 50) < abs(bad["1-NNA"] - 50)


def test_the_light_offers_name_classes_that_exist_under_their_names():
    import importlib

    from hdbench_set_metrics import hdbench_components

    for offer in hdbench_components():
        module, attribute = offer.target.split(":")
        assert getattr(importlib.import_module(module), attribute).name == offer.name


@pytest.mark.parametrize("ties", ["fair", "first"])
def test_distances_that_are_nobodys_nearest_change_no_metric_that_does_without_them(ties):
    rng = np.random.default_rng(0)
    reference, generated = ShapeSet(*_clouds(rng, 14)), ShapeSet(*_clouds(rng, 14))
    metrics = [cls(cls.Config()) for cls in (*METRICS, MatchingDistanceOfSamples)]
    every, few = (
        compare_sets(generated, Sets(reference, Protocol(ties=ties), skip_pairs=skip, threads=1), metrics, known)
        for skip, known in ((False, {"/within": chamfer_matrix(prepare(reference.clouds, Protocol()))}), (True, {}))
    )
    assert np.isinf(few.between).any()
    for metric in metrics:
        assert metric.chamfer == "nearest"
        assert metric.measure(few) == metric.measure(every)


def _clouds(rng, count):
    return ((rng.uniform(0.2, 2, (count, 1, 1, 3)) * rng.normal(size=(count, 1, 40, 3))).astype(np.float32),)
