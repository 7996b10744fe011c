"""Sets of unequal size: sub-sampled by a seed and said so, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from hdbench.errors import HdbenchError
from hdbench.protocol import preset
from hdbench.scoring.sizes import equalise
from hdbench.shape_set import ShapeSet


def shapes(count):
    """Shape k has its index as every coordinate."""
    return ShapeSet(np.broadcast_to(np.arange(count, dtype=np.float32)[:, None, None, None], (count, 1, 4, 3)))


def which(chosen):
    return chosen.clouds[:, 0, 0, 0].tolist()


def test_equal_sets_are_left_alone():
    methods, reference = {"a": [shapes(5)]}, shapes(5)
    found = equalise(methods, reference, preset("strict"))
    assert found == (methods, reference, ())


def test_the_smallest_set_decides_and_it_is_said():
    found, reference, notes = equalise({"a": [shapes(9)], "b": [shapes(4), shapes(6)]}, shapes(7), preset("strict"))
    assert {len(draw) for draws in found.values() for draw in draws} | {len(reference)} == {4}
    assert "a: 4 of 9 samples; b: 4 of 6 samples; reference: 4 of 7 shapes" in notes[0]
    assert which(found["b"][0]) == [0, 1, 2, 3]
    assert which(found["a"][0]) == sorted(set(which(found["a"][0])))


def test_the_choice_depends_on_the_seed_and_not_on_other_methods():
    many, reference = {"a": [shapes(40)], "b": [shapes(30)]}, shapes(20)
    alone = equalise({"a": [shapes(40)]}, reference, preset("strict"))[0]
    assert which(equalise(many, reference, preset("strict"))[0]["a"][0]) == which(alone["a"][0])
    assert which(equalise(many, reference, preset("strict"), seed=1)[0]["a"][0]) != which(alone["a"][0])


@pytest.mark.parametrize("name", ["pointflow", "dpc", "lion"])
def test_released_protocols_refuse_with_the_way_out(name):
    with pytest.raises(HdbenchError, match=r"'a' has 9 samples.* compares 7 .*--protocol strict"):
        equalise({"a": [shapes(9)]}, shapes(7), preset(name))


def test_the_released_protocol_of_hyperdiffusion_wants_a_tenth_more():
    methods, reference = {"a": [shapes(22)]}, shapes(20)
    assert equalise(methods, reference, preset("hyperdiffusion")) == (methods, reference, ())
    with pytest.raises(HdbenchError, match="compares 22 of them with 20"):
        equalise({"a": [shapes(20)]}, shapes(20), preset("hyperdiffusion"))
