"""Sample by sample: the nearest training and reference shapes of dots on a line, where they are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hdbench.novelty.rows import Novelty, NoveltyRow, record
from hdbench.protocol import Protocol
from hdbench.scoring.nearest import from_tensors, to_tensors
from hdbench.scoring.score import Score, numbers, score, score_from

PLAIN = Protocol(name="plain", normalisation="none", points=1)
TRAINING, TEST = [0.0, 1.0, 2.0, 10.0, 11.0], [0.5, 3.0, 9.0, 30.0]


def dots(*places: float) -> np.ndarray:
    """Clouds of one point on the x axis, at squared Chamfer distances 2 (x - y)^2; nan is an empty sample."""
    clouds = np.zeros((len(places), 1, 1, 3), np.float32)
    clouds[..., 0] = np.array(places)[:, None, None]
    clouds[np.isnan(places)] = np.nan
    return clouds


def scored(*draws, protocol=PLAIN, test=TEST) -> Score:
    return score([dots(*draw) for draw in draws], dots(*test), protocol, [], dots(*TRAINING))


def test_three_training_shapes_and_one_reference_shape_are_kept_of_every_sample():
    (near,) = scored((1.25, 10.0, 40.0, -1.0)).nearest
    assert near.training_index[:2].tolist() == [[1, 2, 0], [3, 4, 2]]
    assert near.to_training[0] == pytest.approx([2 * 0.25**2, 2 * 0.75**2, 2 * 1.25**2])
    assert near.to_training[1, 0] == 0  # a copy
    assert near.to_reference == pytest.approx([2 * 0.75**2, 2 * 1.0**2, 2 * 10.0**2, 2 * 1.5**2])
    assert near.reference_index.tolist() == [0, 2, 3, 0]


def test_reference_shapes_are_held_against_each_other():
    near = scored(TEST).nearest_of_reference
    assert near.training_index[:, 0].tolist() == [0, 2, 3, 4]  # of 0.5, at 0.5 from both 0 and 1, the lower number
    assert near.reference_index.tolist() == [1, 0, 1, 2]
    assert near.to_reference == pytest.approx([2 * 2.5**2, 2 * 2.5**2, 2 * 6.0**2, 2 * 21.0**2])


def test_a_draw_that_lost_its_empty_samples_says_which_are_left():
    dropping = replace(PLAIN, empties="drop", over_generation=1.5)
    (near,) = scored((np.nan, 1.0, np.nan, 2.0, 10.0, 11.0), protocol=dropping).nearest
    assert near.position.tolist() == [1, 3, 4, 5]
    assert near.training_index[:, 0].tolist() == [1, 2, 3, 4]


def test_without_training_shapes_there_is_nothing_to_tell():
    found = score([dots(*TEST)], dots(*TEST), PLAIN, [])
    assert (found.nearest, found.nearest_of_reference) == ((), None)


def test_the_nearest_shapes_survive_the_store_and_are_no_part_of_the_numbers():
    found = scored((1.25, 10.0, 40.0, np.nan), TEST)
    again = from_tensors(to_tensors({"a": found.nearest[0], "b": found.nearest[1]}), ["a", "b", "c"])
    assert list(again) == ["a", "b"]
    for name, near in zip("ab", found.nearest):
        for part in ("position", "to_training", "training_index", "to_reference", "reference_index"):
            np.testing.assert_array_equal(getattr(again[name], part), getattr(near, part))
    assert "nearest" not in numbers(found)
    assert score_from(numbers(found)).p_value == found.p_value


def test_the_record_names_shapes_and_an_empty_sample_has_no_neighbours():
    found = scored((1.25, np.nan, 40.0, -1.0))
    names = [f"s{k}" for k in range(4)]
    row = NoveltyRow(title="mine", draws=found.nearest, names=[names])
    training, test = [f"train-{x:g}" for x in TRAINING], [f"test-{x:g}" for x in TEST]
    said = record(
        Novelty(rows=[row], reference=found.nearest_of_reference, reference_names=test, training_names=training, protocol=PLAIN)
    )
    first, empty, *_ = said["rows"][0]["draws"][0]
    assert first == {
        "name": "s0", "to_training": 0.125, "to_reference": 1.125, "nearest_reference": "test-0.5",
        "neighbours": [{"name": "train-1", "distance": 0.125}, {"name": "train-2", "distance": 1.125},
                       {"name": "train-0", "distance": 3.125}],
    }  # fmt: skip
    assert empty == {
        "name": "s1", "to_training": np.inf, "to_reference": np.inf, "nearest_reference": None, "neighbours": []
    }  # fmt: skip
    assert [shape["name"] for shape in said["reference"]] == test
    assert "normalised by none" in said["distances"]
