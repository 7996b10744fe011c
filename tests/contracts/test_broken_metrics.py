"""The contract of metrics refuses those that are broken, and says why."""

from __future__ import annotations

import numpy as np
import pytest
from broken_components import broken, complaint
from hdbench_set_metrics.chamfer import Coverage, MinimumMatchingDistance, NearestNeighbourAccuracy

from hdbench.testing import MetricContract


def measured(value):
    """``measure`` of MMD with another value, from (comparison, the sound value)."""
    return lambda self, c: {"MMD": value(c, MinimumMatchingDistance.measure(self, c)["MMD"])}


def greedy(self, comparison):
    np.fill_diagonal(comparison.within_reference, np.inf)
    return MinimumMatchingDistance.measure(self, comparison)


METRICS = [
    ({"unit": ""}, "it_says_how_to_read_it", "declare its unit"),
    ({"target": 50.0}, "it_says_how_to_read_it", "only if, its direction is 'target'"),
    ({"measure": measured(lambda c, v: v - 100)}, "values_lie_in_the_range", "[0.0, inf], but on 'resampled' sets MMD is -"),
    ({"measure": measured(lambda c, v: float("nan"))}, "values_lie_in_the_range", "MMD is nan"),
    ({"measure": lambda self, c: {f"MMD{len(c.generated)}": 0.0}}, "values_lie_in_the_range", "on 'of another size' it gives"),
    ({"measure": measured(lambda c, v: c.between[0].mean())}, "the_order_of_shapes_does_not_count", "blind to the order"),
    ({"direction": "higher"}, "the_bad_set_that_it_sees_is_worse", "be worse (better is 'higher') for the set 'far'"),
    ({"measure": measured(lambda c, v: 1.0)}, "the_bad_set_that_it_sees_is_worse", "they give 1.0 and 1.0"),
    ({"measure": measured(lambda c, v: min(v, 1e9) * (1 + np.isfinite(c.between).sum()))}, "empty_samples_never_improve_it",
     "be no better when samples come out empty, but 8 of 16 empty turn 'far' sets from"),
    ({"measure": greedy}, "it_leaves_the_comparison_alone_and_says_the_same_twice", "but it changed ['within_reference']"),
    ({"measure": measured(lambda c, v: np.random.default_rng().random())},
     "it_leaves_the_comparison_alone_and_says_the_same_twice", "give the same values twice"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), METRICS)
def test_broken_metrics_are_refused(methods, check, message):
    parent = MinimumMatchingDistance
    said = complaint(MetricContract, parent, broken(parent, **methods), f"test_{check}")
    assert said.startswith("The metric 'mmd-cd' must ")
    assert message in said


def kept(comparison):
    """The comparison without its empty samples."""
    full = np.flatnonzero(np.isfinite(comparison.between).any(1))
    return comparison.select(full, np.arange(comparison.between.shape[1]))


@pytest.mark.parametrize("parent", [NearestNeighbourAccuracy, MinimumMatchingDistance, Coverage])
def test_a_metric_that_drops_empty_samples_is_refused_where_that_flatters(parent):
    def measure(self, comparison):
        remaining = kept(comparison)
        return parent.measure(self, remaining) if len(remaining.generated) else {"best": 0.0 if parent is not Coverage else 100.0}

    said = complaint(MetricContract, parent, broken(parent, measure=measure), "test_empty_samples_never_improve_it")
    assert "be no better when samples come out empty" in said
