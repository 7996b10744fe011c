"""The permutation test of 1-NNA: exact on small sets, uniform under the null, small when the sets differ."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hdbench.errors import HdbenchError
from hdbench.scoring.permutation import combined, nearest_neighbour_p_value


def squared(a, b):
    a, b = (np.atleast_2d(np.asarray(x, dtype=float).T).T for x in (a, b))
    return np.square(a[:, None] - b[None]).sum(-1)


def p_value(generated, reference, **settings):
    parts = squared(generated, generated), squared(generated, reference), squared(reference, reference)
    return nearest_neighbour_p_value(*parts, **settings)


def accuracy(points, is_generated, reference_tie):
    """Leave-one-out accuracy of the nearest neighbour's label, straight from its definition; ties by ``reference_tie``."""
    total = 0.0
    for i, x in enumerate(points):
        rest = [(abs(x - y), is_generated[j]) for j, y in enumerate(points) if j != i]
        labels = {label for distance, label in rest if distance == min(rest)[0]}
        tie = 1 - reference_tie if is_generated[i] else reference_tie
        total += tie if len(labels) == 2 else labels == {is_generated[i]}
    return total


def enumerated(generated, reference, reference_tie=0.5):
    """The share of all labellings that are as accurate as the true one."""
    points = [*generated, *reference]
    labellings = combinations(range(len(points)), len(generated))  # the first is the true one
    found = [accuracy(points, [i in chosen for i in range(len(points))], reference_tie) for chosen in labellings]
    return np.mean(np.array(found) >= found[0])


@pytest.mark.parametrize(
    ("generated", "reference"),
    [
        ([0, 1, 2], [10, 11, 12]),
        ([0, 1, 2, 3], [2, 3, 4]),  # ties and copies
        ([5, 0, 7], [1, 6, 2, 9, 4]),
        ([1], [0, 2, 2, 5]),
        ([0, 0, 0], [0, 0]),  # nothing but ties
    ],
)
@pytest.mark.parametrize(("ties", "reference_tie"), [("fair", 0.5), ("first", 1.0)])
def test_small_sets_are_enumerated(generated, reference, ties, reference_tie):
    assert p_value(generated, reference, ties=ties) == pytest.approx(enumerated(generated, reference, reference_tie))


def test_two_clusters_of_three_have_the_p_value_of_their_two_labellings():
    """Of the 20 ways to call three of six generated, two tell the clusters apart without a mistake."""
    assert p_value([0, 1, 2], [10, 11, 12]) == pytest.approx(2 / 20)


def test_random_labellings_estimate_the_enumeration():
    rng = np.random.default_rng(3)
    generated, reference = rng.normal(0.8, 1, 7), rng.normal(0, 1, 6)
    exact = p_value(generated, reference, permutations=2000)  # 1716 labellings
    assert 0.05 < exact < 0.95
    sampled = p_value(generated, reference, permutations=1700)
    assert sampled != exact
    assert sampled == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 1700))


def test_sets_far_apart_have_the_smallest_p_value_there_is():
    rng = np.random.default_rng(0)
    assert p_value(rng.normal(9, 1, 30), rng.normal(0, 1, 20)) == pytest.approx(1 / 1000)


def test_copies_of_the_reference_are_not_told_apart():
    reference = np.random.default_rng(0).normal(size=(30, 3))
    assert p_value(reference, reference) == 1.0


@pytest.mark.parametrize(("generated_count", "reference_count"), [(20, 20), (24, 12)])
def test_p_values_are_uniform_when_both_sets_are_alike(generated_count, reference_count):
    """P(p <= a) = a, and a shift makes small p-values frequent; unequal sizes too."""
    rng = np.random.default_rng(5)
    reference, generated = rng.normal(size=(400, reference_count, 4)), rng.normal(size=(400, generated_count, 4))
    alike = np.array([p_value(g, r, permutations=199) for g, r in zip(generated, reference)])
    for a in (0.05, 0.1, 0.3, 0.5):
        assert np.mean(alike <= a) <= a + 3 * np.sqrt(a * (1 - a) / 400)
    assert np.mean(alike <= 0.5) > 0.3  # the accuracy takes few values, so the test may be a little conservative
    shifted = [p_value(g + 1, r, permutations=199) for g, r in zip(generated[:60], reference)]
    assert np.mean(np.array(shifted) <= 0.05) > 0.5


def test_an_empty_sample_is_evidence_against_the_generator():
    """It is always called generated, as 1-NNA does: with three of eight samples empty the p-value falls."""
    rng = np.random.default_rng(1)
    generated, reference = rng.normal(size=8), rng.normal(size=8)
    gg, gr, rr = squared(generated, generated), squared(generated, reference), squared(reference, reference)
    before = nearest_neighbour_p_value(gg, gr, rr)
    gr[:3] = gg[:3] = gg[:, :3] = np.inf
    assert nearest_neighbour_p_value(gg, gr, rr) < before
    gr[:] = gg[:] = np.inf
    assert nearest_neighbour_p_value(gg, gr, rr) == pytest.approx(1 / 1000)


def test_the_same_call_gives_the_same_value_and_the_order_of_shapes_does_not_matter_when_enumerated():
    rng = np.random.default_rng(2)
    generated, reference = rng.normal(size=40), rng.normal(size=40)
    assert p_value(generated, reference) == p_value(generated, reference)
    few = generated[:4], reference[:5]
    assert p_value(*few) == p_value(few[0][::-1], few[1][::-1])


def test_a_set_without_shapes_is_a_mistake():
    with pytest.raises(HdbenchError, match="0 generated"):
        nearest_neighbour_p_value(np.zeros((0, 0)), np.zeros((0, 3)), np.zeros((3, 3)))


def test_several_draws_are_combined_by_twice_their_median():
    assert combined([0.03]) == 0.03
    assert combined([0.01, 0.2, 0.02]) == pytest.approx(0.04)
    assert combined([0.9, 0.8]) == 1.0
