"""Where the coordinates are in an array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdbench.errors import HdbenchError
from hdbench.loading.axes import Layout, arrange, layout_of


@given(st.lists(st.integers(1, 40), min_size=0, max_size=2), st.integers(13, 5000), st.integers(3, 12), st.booleans())
def test_the_axis_of_coordinates_is_found_wherever_it_stands(before, points, columns, first):
    before = [n for n in before if n != 3]
    shape = (*before, columns, points) if first else (*before, points, columns)
    assert layout_of(shape) == Layout(-2 if first else -1, columns)


@given(st.integers(1, 6), st.integers(13, 30), st.integers(3, 12), st.booleans())
@settings(max_examples=50)
def test_arranging_gives_the_first_three_coordinates(count, points, columns, first):
    array = np.arange(count * points * columns, dtype=np.float32).reshape(count, points, columns)
    turned, notes = arrange(np.swapaxes(array, 1, 2) if first else array, "it")
    np.testing.assert_array_equal(turned, array[..., :3])
    assert len(notes) == first + (columns > 3)


@pytest.mark.parametrize(
    "shape",
    [
        (5, 3, 3),
        (5, 6, 6),
        (5, 100, 100),
        (5, 2),
        (5, 3, 16, 2048),
        (5, 3, 8, 2048),
        (5, 3, 3, 99),
        (5, 3, 99, 6),
        (24, 24, 24),
        (7,),
    ],
)
def test_what_cannot_be_told_is_refused(shape):
    with pytest.raises(HdbenchError, match=r"has the shape \["):
        arrange(np.zeros(shape, np.float32), "it")
