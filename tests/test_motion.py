"""Motion of sequences whose figures can be worked out: still, uniform, turning back, and closed."""

from __future__ import annotations

import numpy as np
import pytest

from hdbench.errors import HdbenchError
from hdbench.measures.motion import NAMES, motion_figures


def sequence(*positions):
    """A sparse cloud (a tetrahedron of side 100) at these positions along x, [1, t, 4, 3]."""
    cloud = 100 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    return np.stack([cloud + np.float32([x, 0, 0]) for x in positions])[None]


def figures(*positions):
    found = motion_figures(sequence(*positions))
    return {name: float(found[name][0]) for name in NAMES}


def test_a_still_sequence_has_no_motion():
    assert figures(1, 1, 1, 1) == dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize("step", [0.25, 2])
def test_a_uniform_translation_has_its_speed_and_no_acceleration(step):
    expected = {"speed": step, "acceleration": 0, "turning": 0, "loop": 4 * step, "range": 4 * step}
    assert figures(*np.arange(5) * step) == pytest.approx(expected, abs=1e-6)


def test_there_and_back_is_a_loop_that_turns():
    found = figures(0, 1, 0, 1, 0)
    assert found == pytest.approx({"speed": 1, "acceleration": 0, "turning": 1, "loop": 0, "range": 1})


def test_speeding_up_is_an_acceleration():
    found = figures(0, 1, 3, 6)  # steps of 1, 2 and 3
    assert found == pytest.approx({"speed": 2, "acceleration": 0.5, "turning": 0, "loop": 6, "range": 6}, abs=1e-6)


def test_the_order_of_frames_matters():
    assert figures(0, 1, 2, 3)["speed"] == pytest.approx(1)
    assert figures(0, 2, 1, 3)["speed"] == pytest.approx(5 / 3)
    assert figures(0, 2, 1, 3)["range"] == pytest.approx(3)


def test_steps_are_the_distances_from_frame_to_frame():
    found = motion_figures(sequence(0, 1, 4, 4))
    assert [float(found[f"step_{k}"][0]) for k in (1, 2, 3)] == pytest.approx([1, 3, 0])


def test_two_frames_have_a_speed_and_neither_acceleration_nor_turning():
    assert figures(0, 3) == pytest.approx({"speed": 3, "acceleration": 0, "turning": 0, "loop": 3, "range": 3})


def test_lengths_scale_with_the_shape_and_ratios_do_not():
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(3, 5, 60, 3)).astype(np.float32)
    small, large = motion_figures(clouds), motion_figures(8 * clouds)
    for name in ("speed", "loop", "range", "step_2"):
        assert large[name] == pytest.approx(8 * small[name])
    for name in ("acceleration", "turning"):
        assert large[name] == pytest.approx(small[name], abs=1e-6)


def test_sequences_do_not_depend_on_their_neighbours_and_empty_ones_are_nan():
    clouds = np.random.default_rng(0).normal(size=(3, 4, 20, 3)).astype(np.float32)
    clouds[1, 2] = np.nan
    together = motion_figures(clouds)
    for name, values in together.items():
        assert np.isnan(values).tolist() == [False, True, False]
        assert values[2] == motion_figures(clouds[2:])[name][0]


@pytest.mark.parametrize("shape", [(2, 1, 5, 3), (2, 5, 3), (2, 4, 5, 2)])
def test_single_frames_and_other_arrays_are_refused(shape):
    with pytest.raises(HdbenchError, match="at least two frames"):
        motion_figures(np.zeros(shape, np.float32))
