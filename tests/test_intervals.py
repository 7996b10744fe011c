"""Intervals: standard errors that are known in closed form, what they must not depend on, and the coverage that they claim."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from hdbench.errors import HdbenchError
from hdbench.scoring.intervals import Estimate, difference, estimate, told_apart
from hdbench.scoring.replicates import replicate

NAN = float("nan")
STUDENT_975 = {2: 4.302653, 39: 2.022691}  # tabulated quantiles of Student's t


def interval(values, statistics, generated_counts, reference_count, **settings):
    return estimate(values, replicate(statistics, generated_counts, reference_count, **settings), "X")


def of_one_draw(statistic, generated_count, reference_count, **settings):
    whole = statistic(np.arange(generated_count), np.arange(reference_count))["X"]
    return interval([whole], [statistic], [generated_count], reference_count, **settings)


def mean_of(xs):
    return lambda g, r: {"X": xs[g].mean()}


# ------------------------------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("count", [8, 40, 41, 42, 43, 200])
def test_the_standard_error_of_a_mean_is_sd_over_root_n(count):
    xs = np.random.default_rng(count).normal(size=count)
    assert of_one_draw(mean_of(xs), count, count).subsampling_sd == pytest.approx(xs.std(ddof=1) / np.sqrt(count), rel=0.15)


def test_the_half_width_is_students():
    found = of_one_draw(mean_of(np.random.default_rng(0).normal(size=40)), 40, 60)
    assert found.half_width == pytest.approx(STUDENT_975[39] * found.subsampling_sd, rel=1e-5)
    assert found.shapes == 40


def test_generated_and_reference_sets_add_their_variances():
    rng = np.random.default_rng(1)
    xs, ys = rng.normal(size=90), 2 * rng.normal(size=60)
    found = of_one_draw(lambda g, r: {"X": xs[g].mean() - ys[r].mean()}, 90, 60)
    assert found.subsampling_sd == pytest.approx(np.sqrt(xs.var(ddof=1) / 90 + ys.var(ddof=1) / 60), rel=0.15)


def product_of_pairs(xs):
    """The U-statistic with the kernel x y: an unbiased estimate of the squared mean."""
    return lambda g, r: {"X": (xs[g].sum() ** 2 - (xs[g] ** 2).sum()) / (len(g) * (len(g) - 1))}


def variance(xs):
    return lambda g, r: {"X": xs[g].var(ddof=1)}


def smallest(xs):
    return lambda g, r: {"X": xs[g].min()}


KNOWN = {
    "degenerate": (product_of_pairs, lambda rng, n: rng.normal(0, 1, n), lambda n: 2 / (n * (n - 1))),
    "product": (product_of_pairs, lambda rng, n: rng.normal(0.5, 1, n), lambda n: 1 / n + 2 / (n * (n - 1))),
    "variance": (variance, lambda rng, n: rng.normal(0, 1, n), lambda n: 2 / (n - 1)),
    "smallest": (smallest, lambda rng, n: rng.uniform(0, 1, n), lambda n: n / ((n + 1) ** 2 * (n + 2))),
}


@pytest.mark.parametrize("name", KNOWN)
def test_squared_contrasts_expect_the_variances_at_a_half_and_at_a_quarter(name):
    """Without bias, for statistics of any order; a spread of halves around their mean would give up to twice the first."""
    statistic, draw, known = KNOWN[name]
    rng = np.random.default_rng(0)
    found = [replicate([statistic(draw(rng, 32))], [32], 32, partitions=4).contrasts["X"] for _ in range(400)]
    half, quarter = np.square(found).mean((0, 1, 2))
    assert half == pytest.approx(known(16), rel=0.15)
    assert quarter == pytest.approx(known(8), rel=0.15)


@pytest.mark.parametrize(("name", "high"), [("product", 1.2), ("variance", 1.2), ("degenerate", 2.0), ("smallest", 2.0)])
def test_the_variance_is_right_on_average_or_too_large(name, high):
    """Degenerate statistics and extremes get wide intervals: the sample does not show that their linear part is zero."""
    statistic, draw, known = KNOWN[name]
    rng = np.random.default_rng(0)
    found = [of_one_draw(statistic(draw(rng, 32)), 32, 32, partitions=16) for _ in range(150)]
    variances = np.square([e.subsampling_sd for e in found])
    assert 0.8 < np.mean(variances) / known(32) < high


def test_a_statistic_that_does_not_vary_has_no_width():
    assert of_one_draw(lambda g, r: {"X": 7.0}, 20, 20).half_width == 0


# --------------------------------------------------------------------------------------------------------------- parts


def recorded(generated_counts, reference_count, draws=1):
    calls = [[] for _ in range(draws)]
    statistics = [lambda g, r, seen=seen: seen.append((tuple(g), tuple(r))) or {"X": 0.0} for seen in calls]
    replicate(statistics, generated_counts, reference_count, partitions=3)
    return calls


def test_every_partition_is_four_quarters_and_three_pairs_of_disjoint_halves():
    (calls,) = recorded([10], 9)
    assert len(calls) == 3 * 10
    for side, count in ((0, 10), (1, 9)):
        parts = [call[side] for call in calls]
        for k in range(0, 30, 10):
            assert sorted(sum(parts[k : k + 4], ())) == list(range(count))
            assert all(sorted(parts[i] + parts[i + 1]) == list(range(count)) for i in range(k + 4, k + 10, 2))
            assert len({parts[i] for i in range(k + 4, k + 10)}) == 6
        assert parts[:10] != parts[10:20]


def test_parts_of_the_reference_are_the_same_for_all_draws_and_methods():
    one, two = recorded([20, 20], 12, draws=2)
    (other,) = recorded([33], 12)
    assert [r for _, r in one] == [r for _, r in two] == [r for _, r in other]
    assert [g for g, _ in one] != [g for g, _ in two]


def test_two_runs_give_the_same_bits():
    xs = np.random.default_rng(0).normal(size=30)
    assert of_one_draw(mean_of(xs), 30, 30) == of_one_draw(mean_of(xs), 30, 30)


# ------------------------------------------------------------------------------------------------------------ no width


def test_a_part_too_small_for_one_column_costs_that_column_its_width_alone():
    xs = np.random.default_rng(0).normal(size=40)

    def statistic(g, r):
        return {"X": xs[g].mean()} | ({"LARGE": 1.0} if len(g) > 10 else {}) | {"NAN": NAN if len(g) < 20 else 1.0, "INF": np.inf}

    replicates = replicate([statistic], [40], 40)
    assert estimate([0.1], replicates, "X").half_width > 0
    for column in ("LARGE", "NAN", "INF", "NO SUCH"):
        found = estimate([0.1], replicates, column)
        assert found.value == 0.1
        assert np.isnan(found.half_width)


def test_a_statistic_that_refuses_a_part_keeps_its_value_and_loses_its_width():
    def picky(g, r):
        if len(g) < 15:
            raise HdbenchError("15 shapes are needed.")
        return {"X": float(len(g))}

    found = of_one_draw(picky, 40, 40)
    assert found.value == 40
    assert np.isnan(found.half_width)


@pytest.mark.parametrize(("generated", "reference"), [(7, 20), (20, 7), (1, 1)])
def test_fewer_than_eight_shapes_have_no_interval(generated, reference):
    assert np.isnan(of_one_draw(lambda g, r: {"X": float(len(g))}, generated, reference).half_width)


def test_an_infinite_value_has_no_interval():
    assert np.isnan(interval([np.inf], [lambda g, r: {"X": 1.0}], [9], 9).half_width)


# --------------------------------------------------------------------------------------------------------------- draws


def test_draws_that_differ_by_more_than_their_sets_have_students_interval_of_their_mean():
    found = interval([-3.0, 0.0, 3.0], [lambda g, r: {"X": 0.0}] * 3, [20] * 3, 20)
    assert (found.value, found.draws_sd, found.draws_df) == (0, pytest.approx(3 / np.sqrt(3)), 2)
    assert found.half_width == pytest.approx(STUDENT_975[2] * 3 / np.sqrt(3), rel=1e-5)


def test_a_spread_between_draws_that_finite_sets_explain_adds_nothing():
    rng = np.random.default_rng(0)
    draws, ys = rng.normal(size=(4, 50)), rng.normal(size=50)
    statistics = [lambda g, r, xs=xs: {"X": xs[g].mean() + ys[r].mean()} for xs in draws]
    found = interval([4.9, 5.1, 4.9, 5.1], statistics, [50] * 4, 50)
    assert found.draws_sd == pytest.approx(0.1 / np.sqrt(3))  # the sets let expect sqrt(1 / 200) = 0.07
    assert found.generated_sd == pytest.approx(1 / np.sqrt(200), rel=0.15)
    assert found.subsampling_sd == pytest.approx(np.sqrt(1 / 200 + ys.var(ddof=1) / 50), rel=0.15)
    assert found.half_width == interval([5.0] * 4, statistics, [50] * 4, 50).half_width


def test_the_spread_of_a_single_draw_is_unknown():
    assert np.isnan(of_one_draw(mean_of(np.arange(9.0)), 9, 9).draws_sd)


# --------------------------------------------------------------------------------------------------------- differences


def shifted(xs, ys):
    """A statistic to which the reference adds far more noise than the generated set."""
    return of_one_draw(lambda g, r: {"X": xs[g].mean() + 10 * ys[r].mean()}, len(xs), len(ys))


def test_what_two_methods_share_cancels_in_their_paired_difference():
    rng = np.random.default_rng(0)
    ys, a, b = rng.normal(size=60), rng.normal(1, 1, 60), rng.normal(0, 1, 60)
    first, second = shifted(a, ys), shifted(b, ys)
    found = difference(first, second)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.subsampling_sd == pytest.approx(np.sqrt(a.var(ddof=1) / 60 + b.var(ddof=1) / 60), rel=0.15)
    assert first.half_width > 5 * found.half_width
    assert told_apart(first, second)
    assert not told_apart(shifted(rng.normal(1, 1, 60), ys), first)


def test_a_value_minus_itself_is_exactly_zero_and_a_tie():
    found = shifted(np.arange(12.0), np.arange(12.0))
    assert (difference(found, found).value, difference(found, found).half_width) == (0, 0)
    assert not told_apart(found, found)


def test_the_spreads_of_both_methods_draws_add_up():
    """Two sets of three draws, with means of sd sqrt(3) each: Welch's interval with 4 degrees of freedom."""
    found = interval([-3.0, 0.0, 3.0], [lambda g, r: {"X": 0.0}] * 3, [20] * 3, 20)
    both = difference(found, found)
    assert (both.draws_sd, both.draws_df) == (pytest.approx(np.sqrt(6)), pytest.approx(4))
    assert both.half_width == pytest.approx(2.776445 * np.sqrt(6), rel=1e-5)


def test_estimates_survive_json():
    rng = np.random.default_rng(0)
    first, second = (shifted(rng.normal(size=20), rng.normal(size=20)) for _ in range(2))
    again = [Estimate(**json.loads(json.dumps(asdict(e)))) for e in (first, second)]
    assert difference(*again) == difference(first, second)


def test_estimates_that_do_not_pair_are_refused():
    found = shifted(np.arange(12.0), np.arange(12.0))
    with pytest.raises(HdbenchError, match="192 and 0"):
        difference(found, Estimate(value=1.0, half_width=1.0))


def test_without_replicates_intervals_decide_by_overlap():
    a, b, c = (Estimate(value=v, half_width=1.0) for v in (0.0, 1.9, 2.1))
    assert not told_apart(a, b)
    assert told_apart(a, c)
    assert told_apart(a, Estimate(value=0.5, half_width=NAN))


def test_with_a_target_the_distances_to_it_are_compared():
    """45 % and 55 % are as good when the target is 50 %; and noise that moves both away from it does not cancel."""
    rng = np.random.default_rng(0)
    ys = rng.normal(size=60)
    low, high = (of_one_draw(lambda g, r, at=at: {"X": at + 3 * (ys[r].mean() - ys.mean())}, 60, 60) for at in (45.0, 54.9))
    assert told_apart(low, high)
    assert not told_apart(low, high, target=50.0)
    assert told_apart(low, high, target=60.0)
