"""C_T: Z_U in every cell, held to scipy's test of Mann and Whitney, and the cells themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hdbench_set_metrics.cells import CopyingInCells, case
from hdbench_set_metrics.novelty import DataCopying
from scipy.stats import mannwhitneyu, norm

from hdbench.errors import HdbenchError
from hdbench.interfaces import Metric
from hdbench.measures.cells import FEWEST, describe, find_landmarks, joined, k_means, make_cells
from hdbench.protocol import Protocol
from hdbench.scoring.evidence import Sets, compare, known_of_reference
from hdbench.shape_set import as_shape_set

PLAIN = Protocol(name="plain", normalisation="none", points=4)


def measured(cells) -> dict[str, float]:
    return CopyingInCells(CopyingInCells.Config()).measure(case(cells))


def dots(*places: float) -> np.ndarray:
    """Shapes of four points on a line, the distance of two being twice the squared difference of their places."""
    return np.repeat(np.array(places, np.float32)[:, None, None, None], 4, axis=2) * np.array([1, 0, 0], np.float32)


def on_dots(metric: Metric, generated, test, training):
    sets = Sets(as_shape_set(dots(*test)), PLAIN, as_shape_set(dots(*training)), threads=1)
    comparison = compare(as_shape_set(dots(*generated)), sets, [metric], known_of_reference(sets, [metric]))
    return comparison, metric.measure(comparison)


# ----------------------------------------------------------------------------------------------------------------- C_T


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_mean_of_the_cells_z_scores_weighted_by_their_test_shapes(seed):
    """z-scores from scipy: its asymptotic p-value, with its continuity correction, is the normal distribution at Z_U."""
    rng = np.random.default_rng(seed)
    sizes = [(12, 25), (30, 11), (17, 40)]
    cells = {k: (rng.normal(size=m), rng.normal(0.3 * k, size=n)) for k, (m, n) in enumerate(sizes)}
    p = [mannwhitneyu(g, t, alternative="less", method="asymptotic").pvalue for g, t in cells.values()]
    expected = np.average(norm.ppf(p), weights=[n for _, n in sizes])
    assert measured(cells) == {"C_T": pytest.approx(expected), "cells": 3}


def test_copies_in_one_cell_and_far_shapes_in_another_are_worth_the_mean_of_both():
    test, copies = list(np.linspace(1, 2, 40)), [0.0] * 40
    alone = measured({0: (copies, test)})["C_T"]
    assert alone == pytest.approx((0 - 800 + 0.5) / np.sqrt(1600 * 81 / 12))
    hidden = measured({0: (copies, test), 1: ([9.0] * 40, test)})["C_T"]
    assert hidden == pytest.approx((alone + (1600 - 800 + 0.5) / np.sqrt(1600 * 81 / 12)) / 2)


@pytest.mark.parametrize(("generated", "test"), [(FEWEST - 1, FEWEST), (FEWEST, FEWEST - 1)])
def test_a_cell_with_too_few_of_either_is_dropped_and_without_cells_there_is_no_value(generated, test):
    few, enough = ([0.0] * generated, [1.0] * test), ([2.0] * FEWEST, [1.0] * FEWEST)
    assert measured({0: few, 1: enough}) == measured({1: enough})
    with pytest.raises(HdbenchError, match=rf"the fullest {FEWEST - 1} of both"):
        measured({0: few})


def test_an_empty_sample_is_a_copy_in_every_cell():
    cells = {0: ([3.0] * 10, [1.0] * 10), 1: ([3.0] * 10, [1.0] * 10)}
    comparison = case(cells)
    clouds = comparison.generated.copy()
    clouds[0] = np.nan
    figures = comparison.parts["cells"]
    figures.generated["cell"][0], figures.generated["distance"][0] = np.nan, np.inf
    found = CopyingInCells(CopyingInCells.Config()).measure(replace(comparison, generated=clouds))
    expected = measured({0: ([0.0] + [3.0] * 9, [1.0] * 10), 1: ([0.0] + [3.0] * 10, [1.0] * 10)})
    assert found == expected


# --------------------------------------------------------------------------------------------------------------- cells


def test_one_cell_gives_z_u():
    rng = np.random.default_rng(0)
    generated, test, training = rng.normal(size=20), rng.normal(size=20), rng.normal(size=40)
    found = on_dots(CopyingInCells(CopyingInCells.Config()), generated, test, training)[1]
    z_u = on_dots(DataCopying(DataCopying.Config()), generated, test, training)[1]
    assert found == {"C_T": z_u["Z_U"], "cells": 1}


def test_distances_are_to_training_shapes_of_the_same_cell():
    """A wide group and a narrow one: at 7.8 the border is crossed, though the nearest training shape of all is at 7."""
    training = [*np.linspace(4, 7, 20), *np.linspace(9, 9.4, 20)]
    test = [*np.linspace(4.03, 6.9, 20), *np.linspace(9.013, 9.39, 20)]
    comparison, found = on_dots(CopyingInCells(CopyingInCells.Config()), [4.0] * 20 + [7.8] * 20, test, training)
    figures = comparison.parts["cells"]
    assert len(np.unique(figures.reference["cell"])) == 2
    assert (figures.generated["cell"][:20] == figures.reference["cell"][0]).all()
    assert (figures.generated["cell"][20:] == figures.reference["cell"][-1]).all()
    assert figures.generated["distance"] == pytest.approx([0.0] * 20 + [2 * 1.2**2] * 20)
    copied, far = (0 - 200 + 0.5) / np.sqrt(400 * 41 / 12), (400 - 200 + 0.5) / np.sqrt(400 * 41 / 12)
    assert found["C_T"] == pytest.approx((copied + far) / 2)


def test_landmarks_are_the_farthest_shapes_and_as_many_as_there_are_different_ones():
    training = dots(0, 1, 1, 5, 4)
    landmarks, vectors = find_landmarks(training, threads=1)
    assert landmarks.tolist() == [0, 3, 1, 4]
    assert vectors == pytest.approx(describe(training, training[landmarks], threads=1))
    assert vectors[3] == pytest.approx(np.sqrt(2) * np.array([5, 0, 4, 1]))


def test_k_means_finds_groups_and_never_more_centres_than_different_vectors():
    groups = np.concatenate([np.random.default_rng(k).normal(10 * k, 0.1, (30, 2)) for k in range(4)])
    assert np.sort(k_means(groups, 4)[:, 0]) == pytest.approx([groups[30 * k : 30 * k + 30, 0].mean() for k in range(4)])
    assert len(k_means(np.zeros((5, 2)), 3)) == 1


def test_cells_with_too_few_test_shapes_join_the_nearest():
    centres = np.array([[0.0], [1.0], [10.0], [12.0]])
    tested = np.array([FEWEST, FEWEST - 1, 2, FEWEST])
    assert joined(centres, np.array([5, 5, 5, 5]), tested).tolist() == [0, 0, 3, 3]
    assert joined(centres, np.array([5, 5, 5, 5]), np.zeros(4, int)).tolist() in ([3] * 4, [2] * 4, [1] * 4, [0] * 4)
    assert joined(centres, np.array([5, 5, 5, 0]), np.full(4, 50)).tolist() == [0, 1, 2, 2]


def test_every_cell_has_enough_test_shapes_whatever_the_sets():
    rng = np.random.default_rng(3)
    for spread in (0.1, 1.0, 3.0):
        training, test = dots(*np.exp(spread * rng.normal(size=120))), dots(*np.exp(spread * rng.normal(size=80)))
        cells = make_cells(training, test, threads=1)
        found = np.unique(cells.of(describe(test, training[cells.landmarks], threads=1)), return_counts=True)[1]
        assert len(found) == 1 or found.min() >= FEWEST
