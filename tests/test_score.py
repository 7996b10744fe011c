"""Scores: what a protocol does to the draws, intervals whose size is known, and what must not change the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from hdbench.distances.chamfer import chamfer_matrix
from hdbench.errors import HdbenchError
from hdbench.interfaces import Metric
from hdbench.protocol import Protocol, preset
from hdbench.scoring.evidence import Sets, known_of_reference
from hdbench.scoring.score import difference, score
from hdbench.shape_set import as_shape_set

PLAIN = Protocol(name="plain", normalisation="none")


@dataclass(frozen=True)
class Nothing:
    """No settings."""


class Nearest(Metric):
    """Mean distance of a reference to the nearest generated shape."""

    name, source, Config, direction, range, unit, definition = "nearest", "", Nothing, "lower", (0, 1), "", "d"

    def measure(self, comparison):
        return {"NEAR": comparison.between.min(0).mean(), "FAR": comparison.between.max()}


class MinOnly(Nearest):
    """Reads nearest neighbours alone, and says where distances are missing."""

    def measure(self, comparison):
        return {"NEAR": comparison.between.min(0).mean(), "SKIPPED": float(np.isinf(comparison.between).sum())}


class GeneratedMean(Metric):
    """The mean x of the generated shapes: its standard error is known."""

    name, source, Config, direction, range, unit, definition = "mean", "", Nothing, "target", (-9, 9), "%", "d"
    target = 0.0

    def measure(self, comparison):
        return {"MEAN": float(comparison.generated[..., 0].mean())}


METRICS = (Nearest(Nothing()),)


def dots(xs):
    """Clouds of two points: (x, 0, 0) and (x, 1, 0)."""
    return np.array([[[[x, 0, 0], [x, 1, 0]]] for x in xs], dtype=np.float32)


def blobs(count, seed, spread=0.5):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(64, 3)) * np.exp(spread * rng.normal(size=(count, 1, 1, 3)))).astype(np.float32)


def test_the_value_is_the_mean_over_draws():
    found = score([dots([0.0, 1.0]), dots([3.0, 1.0])], dots([0.0, 1.0]), PLAIN, METRICS)
    assert found.estimates["NEAR"].value == pytest.approx((0 + (2 + 0) / 2) / 2)
    assert (found.draws, found.count, found.reference_count, found.empties) == (2, 2, 2, 0)


def test_the_columns_say_how_to_read_them():
    (column,) = score([dots([0.0])], dots([0.0]), PLAIN, METRICS).columns
    assert (column.name, column.details, column.direction) == ("NEAR", ("FAR",), "lower")


def test_the_protocols_normalisation_is_applied_to_both_sides():
    reference = blobs(6, 0)
    moved = score([5 * reference[:, :, :, :] + 3], reference, preset("strict"), METRICS)
    assert moved.estimates["NEAR"].value == pytest.approx(0, abs=1e-9)
    assert score([5 * reference + 3], reference, PLAIN, METRICS).estimates["NEAR"].value > 1


def test_strict_wants_as_many_samples_as_references():
    with pytest.raises(HdbenchError, match="Generate 3"):
        score([dots([0.0, 1.0])], dots([0.0, 1.0, 2.0]), PLAIN, METRICS)


def test_dropping_cuts_the_list_in_its_order_and_strict_counts_the_empty_sample():
    reference, dropping = dots(range(10)), replace(PLAIN, empties="drop", over_generation=1.1)
    made = dots([np.nan, *range(1, 10), 0])
    found = score([made], reference, dropping, METRICS)
    assert found.estimates["NEAR"].value == 0  # the last one moved up
    assert (found.requested, found.count, found.empties) == (11, 10, pytest.approx(1 / 11))
    kept = score([made[:10]], reference, PLAIN, METRICS)
    assert kept.estimates["NEAR"].value == pytest.approx(2 * 1 / 10)  # nobody is at 0 now
    assert np.isinf(kept.estimates["FAR"].value)
    assert kept.empties == pytest.approx(0.1)


def test_too_few_left_after_dropping_is_said():
    dropping = replace(PLAIN, empties="drop")
    with pytest.raises(HdbenchError, match="Only 1 of 2"):
        score([dots([0.0, np.nan])], dots([0.0, 1.0]), dropping, METRICS)


def test_an_empty_reference_is_a_mistake():
    with pytest.raises(HdbenchError, match=r"\[1\]"):
        score([dots([0.0, 1.0])], dots([0.0, np.nan]), PLAIN, METRICS)
    with pytest.raises(HdbenchError, match="no reference"):
        score([dots([0.0])[:0]], dots([0.0])[:0], PLAIN, METRICS)


def test_no_draw_is_a_mistake():
    with pytest.raises(HdbenchError, match="nothing to score"):
        score([], dots([0.0]), PLAIN, METRICS)


def test_threads_a_cached_reference_and_a_second_run_change_nothing():
    reference, draws = blobs(8, 0), [blobs(8, 1), blobs(8, 2)]
    first = score(draws, reference, preset("strict"), METRICS, threads=1)
    known = known_of_reference(Sets(as_shape_set(reference), preset("strict")), METRICS)
    assert score(draws, reference, preset("strict"), METRICS, known=known, threads=3) == first


@pytest.mark.parametrize("count", [40, 41])
def test_the_interval_is_the_standard_error_of_a_mean(count):
    """The standard error of a mean of independent numbers is sd / sqrt(n)."""
    xs = np.random.default_rng(0).normal(size=count)
    found = score([dots(xs)], dots(range(count)), PLAIN, (GeneratedMean(Nothing()),)).estimates["MEAN"]
    assert found.subsampling_sd == pytest.approx(xs.std(ddof=1) / np.sqrt(count), rel=0.15)
    assert found.half_width > 1.96 * found.subsampling_sd


def test_draws_that_differ_more_than_their_shapes_explain_widen_the_interval():
    xs = np.random.default_rng(0).normal(size=30)
    alike, apart = (
        score([dots(xs + k * shift) for k in (-1, 0, 1)], dots(range(30)), PLAIN, (GeneratedMean(Nothing()),)).estimates["MEAN"]
        for shift in (0, 3)
    )
    assert apart.draws_sd == pytest.approx(3 / np.sqrt(3), rel=1e-5)
    assert apart.half_width > 4 * alike.half_width


def test_a_metric_that_is_not_resampled_has_a_value_and_no_interval():
    single = type("Single", (GeneratedMean,), {"resampled": False})(Nothing())
    found = score([dots(range(30))], dots(range(30)), PLAIN, (single, *METRICS)).estimates
    assert np.isnan(found["MEAN"].half_width)
    assert found["NEAR"].half_width >= 0


def test_what_cannot_be_computed_is_left_out_with_the_reason():
    novel = type("Novel", (Nearest,), {"name": "novel", "reads": ("train",)})(Nothing())
    moving = type("Moving", (Nearest,), {"name": "moving", "reads": ("motion",)})(Nothing())
    found = score([dots(range(8))], dots(range(8)), PLAIN, (*METRICS, novel, moving))
    assert list(found.estimates) == ["NEAR", "FAR"]
    assert "--train" in found.left_out["novel"]
    assert "single frame" in found.left_out["moving"]


def test_a_metric_that_refuses_these_sets_is_left_out_and_two_of_one_column_are_a_mistake():
    class Choosy(Nearest):
        name = "choosy"

        def measure(self, comparison):
            raise HdbenchError("It needs 9 shapes.")

    sets = [dots(range(8))], dots(range(8)), PLAIN
    assert score(*sets, (*METRICS, Choosy(Nothing()))).left_out == {"choosy": "It needs 9 shapes."}
    with pytest.raises(HdbenchError, match=r"'twin' gives a column .* that another"):
        score(*sets, (*METRICS, type("Twin", (Nearest,), {"name": "twin"})(Nothing())))


def test_the_p_value_tells_shifted_sets_from_equal_ones():
    one_kind = blobs(40, 0)
    assert score([one_kind[20:]], one_kind[:20], PLAIN, METRICS).p_value > 0.05
    assert score([one_kind[20:] + np.float32(3)], one_kind[:20], PLAIN, METRICS).p_value < 0.01


def test_without_intervals_the_values_are_the_same():
    one_kind, only = blobs(90, 0), type("Only", (MinOnly,), {"chamfer": "nearest"})
    sets = [one_kind[:30], one_kind[30:60]], one_kind[60:], PLAIN, (only(Nothing()),)
    full, quick = score(*sets), score(*sets, intervals=False)
    assert quick.estimates["NEAR"].value == full.estimates["NEAR"].value
    assert quick.p_value == full.p_value
    assert np.isnan(quick.estimates["NEAR"].half_width)
    assert full.estimates["SKIPPED"].value == 0
    assert quick.estimates["SKIPPED"].value > 100
    every = score(*sets[:3], (MinOnly(Nothing()),), intervals=False)
    assert every.estimates["SKIPPED"].value == 0  # it did not say that the others do not matter


def test_few_shapes_have_no_interval():
    assert np.isnan(score([dots([0.0, 1.0])], dots([0.0, 1.0]), PLAIN, METRICS).estimates["NEAR"].half_width)


def test_a_score_minus_itself_is_exactly_zero_and_other_references_do_not_pair():
    found = score([blobs(8, 1)], blobs(8, 0), PLAIN, METRICS)
    assert difference(found, found, "NEAR").value == 0
    assert difference(found, found, "NEAR").half_width == 0
    other = score([blobs(9, 1)], blobs(9, 0), PLAIN, METRICS)
    with pytest.raises(HdbenchError, match="the same"):
        difference(found, other, "NEAR")


def test_the_released_protocol_uses_the_released_distances():
    reference = blobs(5, 0)
    gram = known_of_reference(Sets(as_shape_set(reference), replace(PLAIN, distance="gram")), METRICS)["/within"]
    assert not np.array_equal(gram, chamfer_matrix(reference))
    np.testing.assert_allclose(gram, chamfer_matrix(reference), rtol=1e-4, atol=1e-6)
