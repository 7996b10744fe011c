"""JSD and the Vendi score, from distributions and likenesses whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hdbench_set_metrics.cases import of_parts, points_on_a_line
from hdbench_set_metrics.jsd import JensenShannonDivergence, divergence
from hdbench_set_metrics.vendi import Vendi, score_of_set, vendi_score

from hdbench.interfaces import Features

NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "q", "bits"),
    [((1, 0), (1, 0), 0), ((1, 0), (0, 1), 1), ((1, 0), (0.5, 0.5), 0.3112781), ((0.5, 0.5), (1, 0), 0.3112781)],
)
def test_divergence_in_bits(p, q, bits):
    assert divergence(np.array(p, float), np.array(q, float)) == pytest.approx(bits, abs=1e-7)


def jsd(generated, reference):
    part = Features(np.array(generated, float), np.array(reference, float))
    return JensenShannonDivergence(None).measure(of_parts(len(generated), len(reference), {"grid": part}))["JSD"]


def test_jsd_pools_the_points_of_all_shapes():
    assert jsd([[4, 0], [0, 4]], [[2, 2], [2, 2]]) == pytest.approx(0)  # it sees the mean shape alone
    assert jsd([[3, 1]], [[6, 2], [3, 1]]) == pytest.approx(0)


def test_an_empty_sample_puts_its_points_where_no_reference_is():
    assert jsd([[2, 2], [NAN, NAN]], [[2, 2]]) == pytest.approx(31.12781)  # (1/4, 1/4, 1/2) against (1/2, 1/2, 0)
    assert jsd([[NAN, NAN]], [[2, 2]]) == pytest.approx(100)


E1, E2 = (1, 0), (0, 1)


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        ([E1, E1, E1], 1),
        (np.eye(3), 3),
        ([E1, E1, E2, E2], 2),
        ([E1, E1, E2], 1.8898816),
    ],
)
def test_vendi_counts_different_items(rows, score):
    rows = np.array(rows, float)
    assert vendi_score(rows @ rows.T) == pytest.approx(score)


def test_eigenvalues_below_zero_do_not_count():
    likeness = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], float)  # eigenvalues 1 - sqrt(2), 1 and 1 + sqrt(2)
    shares = np.array([1, 1 + 2**0.5]) / (2 + 2**0.5)
    assert vendi_score(likeness) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


def vendi(reference, generated):
    return Vendi(None).measure(points_on_a_line(reference, generated))


def test_a_set_is_as_varied_as_itself_wherever_and_however_large_it_is():
    real = [0, 1, 3, 4.5, 9]
    assert vendi(real, real)["Vendi"] == pytest.approx(100)
    assert vendi(real, [x + 50 for x in real])["Vendi"] == pytest.approx(100, rel=1e-5)
    assert vendi([9 * x for x in real], [9 * x for x in real])["Vendi-ref"] == pytest.approx(vendi(real, real)["Vendi-ref"])


def test_a_generator_that_repeats_itself_is_below_100_and_noise_is_above():
    real = [0, 1, 3, 4.5, 9]
    assert vendi(real, [2, 2, 2, 2, 2])["Vendi-gen"] == pytest.approx(1)
    assert vendi(real, [0, 0, 0, 9, 9])["Vendi"] < 100 < vendi(real, [0, 100, 200, 300, 400])["Vendi"]


def test_empty_samples_bring_no_variety():
    within = np.full((4, 4), 1e9)
    np.fill_diagonal(within, 0)
    assert score_of_set(within, 1.0, np.zeros(4, bool)) == pytest.approx(4)
    assert score_of_set(within, 1.0, np.array([1, 1, 0, 0], bool)) == pytest.approx(2**0.5)
    assert score_of_set(within, 1.0, np.ones(4, bool)) == 1
    collapsed = np.zeros((4, 4))  # shapes that are all the same: leaving some out must not look like variety
    assert score_of_set(collapsed, 1.0, np.array([1, 0, 0, 0], bool)) == pytest.approx(1)


def test_a_single_reference_shape_or_a_set_of_copies_has_a_score():
    assert vendi([3], [3, 4]) == {"Vendi": pytest.approx(200), "Vendi-gen": pytest.approx(2), "Vendi-ref": pytest.approx(1)}
    assert vendi([3, 3], [3, 4])["Vendi"] == pytest.approx(200)
