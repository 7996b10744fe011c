"""Metrics of meshes and of motion, on figures that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hdbench_set_metrics.cases import of_parts
from hdbench_set_metrics.meshes import Genus, OnePiece, Volume, Watertight
from hdbench_set_metrics.motion import MotionAccuracy, MotionSpeed

from hdbench.interfaces import Figures
from hdbench.measures.motion import motion_figures

NAN = float("nan")


def measure(cls, part, generated, reference, empty=()):
    count, of = (len(next(iter(side.values()), ())) for side in (generated, reference))
    sides = [{name: np.array(values, float) for name, values in side.items()} for side in (generated, reference)]
    comparison = of_parts(count, of or 2, {part: Figures(*sides)})
    clouds = comparison.generated.copy()
    clouds[list(empty)] = np.nan
    return cls(cls.Config()).measure(replace(comparison, generated=clouds))


def test_watertight_is_a_share_beside_that_of_the_reference():
    found = measure(Watertight, "meshes", {"watertight": [1, 1, 0, 1]}, {"watertight": [1, 0]})
    assert found == {"Watertight": 75, "Watertight-ref": 50}


def test_figures_of_the_reference_are_nan_where_they_are_unknown():
    found = measure(OnePiece, "meshes", {"components": [1, 3]}, {})
    assert (found["One-piece"], found["pieces"]) == (50, 2)
    assert np.isnan(found["pieces-ref"])
    assert np.isnan(measure(Genus, "meshes", {"genus": [0, 0]}, {})["Genus"])
    assert np.isnan(measure(Volume, "meshes", {"volume": [1, 1]}, {"volume": [NAN, NAN]})["Volume"])


@pytest.mark.parametrize(
    ("generated", "reference", "distance"),
    [
        ([0, 1], [1, 0], 0),
        ([2, 2], [0, 0], 100),
        ([0, 0, 1, 2], [0, 0, 1, 1], 25),
        ([0, 0], [0, 1, 2, 3], 75),
        ([NAN, NAN], [NAN, 0], 50),
    ],
)
def test_genus_compares_distributions(generated, reference, distance):
    assert measure(Genus, "meshes", {"genus": generated}, {"genus": reference})["Genus"] == pytest.approx(distance)


def test_volume_is_a_ratio_of_means_over_closed_reference_meshes():
    assert measure(Volume, "meshes", {"volume": [1, NAN]}, {"volume": [0.25, NAN, 0.75]})["Volume"] == pytest.approx(100)


def test_an_empty_sample_is_no_body():
    empty = {"empty": [0]}
    assert measure(Watertight, "meshes", {"watertight": [1, 1]}, {}, **empty)["Watertight"] == 50
    assert measure(OnePiece, "meshes", {"components": [1, 1]}, {}, **empty)["One-piece"] == 50
    assert measure(Genus, "meshes", {"genus": [NAN, 0]}, {"genus": [NAN, 0]}, **empty)["Genus"] == 50  # not "not closed"
    assert measure(Volume, "meshes", {"volume": [2, 2]}, {"volume": [2]}, **empty)["Volume"] == 50


# -------------------------------------------------------------------------------------------------------------- motion


def moving(*sequences):
    """Figures of single points on a line, by where they are in every frame."""
    return motion_figures(np.array([[[[x, 0, 0]] for x in frames] for frames in sequences], np.float32))


def test_speed_is_a_ratio_of_means():
    found = measure(MotionSpeed, "motion", moving((0, 1, 2), (0, 3, 6)), moving((0, 4, 8)))
    assert found == pytest.approx({"Speed": 50, "acceleration": 100, "turning": 100, "loop": 50})


def test_flicker_turns_more_than_real_motion_does():
    found = measure(MotionSpeed, "motion", moving((0, 1, 0, 1)), moving((0, 1, 2, 1)))
    assert (found["Speed"], found["turning"]) == (pytest.approx(100), pytest.approx(200))


REAL = ((0, 1, 3), (0, 2, 2), (0, 4, 9))


def test_motion_that_was_copied_cannot_be_told_and_still_shapes_can():
    elsewhere = tuple(tuple(x + 5 for x in s) for s in REAL)
    assert measure(MotionAccuracy, "motion", moving(*elsewhere), moving(*REAL))["1-NNA-motion"] == 0
    assert measure(MotionAccuracy, "motion", moving(*[(1, 1, 1)] * 3), moving(*REAL))["1-NNA-motion"] > 50


def test_the_order_of_steps_counts():
    real, swapped = [(0, k, k + 10) for k in (1, 2, 3)], [(0, 10, k + 10) for k in (1, 2, 3)]
    assert measure(MotionAccuracy, "motion", moving(*swapped), moving(*real))["1-NNA-motion"] == 100


def test_an_empty_sequence_stands_still_and_is_recognised():
    assert measure(MotionSpeed, "motion", moving(*REAL), moving(*REAL), empty=range(3))["Speed"] == 0
    assert measure(MotionAccuracy, "motion", moving(*REAL), moving(*REAL), empty=range(3))["1-NNA-motion"] == 100
    assert measure(MotionAccuracy, "motion", moving(*REAL), moving(*REAL), empty=[0])["1-NNA-motion"] > 0
