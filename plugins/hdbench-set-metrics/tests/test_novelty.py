"""Novelty metrics on numbers for shapes, the distance being the absolute difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hdbench_set_metrics.cases import nearest, of_parts
from hdbench_set_metrics.novelty import AuthenticShare, Copies, DataCopying, NoveltyRatio, WeightRatio, z_u
from scipy.stats import mannwhitneyu


def measure(cls, generated, test, training, part="train", empty=()):
    comparison = of_parts(len(generated), len(test), {part: nearest(generated, test, training)})
    clouds = comparison.generated.copy()
    clouds[list(empty)] = np.nan
    return cls(cls.Config()).measure(replace(comparison, generated=clouds))


@pytest.mark.parametrize(
    ("generated", "test", "z"),
    [((0, 0), (1, 1), -1.1618950), ((1, 2), (1, 2), 0.3872983), ((5, 6), (1, 2), 1.9364917)],
)
def test_z_u_vectors(generated, test, z):
    assert z_u(np.array(generated, float), np.array(test, float)) == pytest.approx(z, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_z_u_stands_on_the_statistic_of_mann_and_whitney(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, 11).astype(float), rng.integers(0, 6, 17).astype(float)  # with ties
    u = mannwhitneyu(a, b, alternative="less").statistic
    assert z_u(a, b) == pytest.approx((u - 11 * 17 / 2 + 0.5) / np.sqrt(11 * 17 * 29 / 12))


@pytest.mark.parametrize(
    ("training", "generated", "share"),
    [
        ((0, 10), (1, 30, 10), 100 / 3),
        ((0, 1), (5, 6), 100),
        ((0, 1, 5), (0, 1, 5), 0),
        ((0, 10), (-10,), 0),  # as far as the nearest training shape is from its own nearest
    ],
)
def test_authentic_share(training, generated, share):
    found = measure(AuthenticShare, generated, (4, 40), training)
    assert found["AuthPct"] == pytest.approx(share)


def test_the_test_shapes_say_what_share_can_be_expected():
    assert measure(AuthenticShare, (1,), (4, 40), (0, 10))["AuthPct-test"] == 50


def test_copies_are_nearer_than_the_closest_hundredth_of_the_test_shapes():
    training = (0.0, 1000.0)
    test = np.arange(1, 201)  # the closest 1 % are at 1 and 2: of 200, the second is the quantile
    assert measure(Copies, (0.5, 1.5, 2.5, 900), test, training)["Copies"] == 50
    assert measure(Copies, (0.5, 1.5), (1, 2), training)["Copies"] == 50  # of few, the closest one decides


def test_novelty_is_a_ratio_to_the_test_shapes():
    assert measure(NoveltyRatio, (1, 3), (4, 4), (0, 100))["Novelty"] == pytest.approx(0.5)
    assert measure(NoveltyRatio, (0, 0), (0, 0), (0, 100))["Novelty"] == 1  # both are copies
    assert measure(NoveltyRatio, (1, 0), (0, 0), (0, 100))["Novelty"] == np.inf


def test_weights_are_held_against_the_distances_among_training_weights():
    training = (0, 2, 6)  # their nearest are 2, 2 and 4 away
    assert measure(WeightRatio, (1, 6.5), (0,), training, "weights")["W-NN"] == pytest.approx(0.75 / (8 / 3))


@pytest.mark.parametrize(
    ("cls", "column", "value"),
    [(AuthenticShare, "AuthPct", 50), (Copies, "Copies", 50), (NoveltyRatio, "Novelty", 0.5)],
)
def test_an_empty_sample_counts_as_a_copy(cls, column, value):
    assert measure(cls, (5, 5), (5, 5), (0, 1), empty=[0])[column] == pytest.approx(value)


def test_a_copier_gains_nothing_from_samples_that_come_out_empty():
    test, training = np.arange(1, 21), (0, 1000)
    copies = measure(DataCopying, np.zeros(20), test, training)["Z_U"]
    assert copies < -5
    assert measure(DataCopying, np.zeros(20), test, training, empty=range(10))["Z_U"] == copies
    assert measure(DataCopying, test, test, training, empty=range(20))["Z_U"] == copies
