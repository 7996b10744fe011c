"""Control rows: what each set is made of, and that it is scored where it should be."""

from __future__ import annotations

import numpy as np
import pytest

from hdbench.distances.chamfer import chamfer_matrix
from hdbench.scoring import controls
from hdbench.scoring.controls import control_sets
from hdbench.testing.sets import ellipsoids

COUNT = 12
REFERENCE, TRAINING = ellipsoids(COUNT, 400, "reference"), ellipsoids(30, 400, "training")


def test_every_row_has_as_many_shapes_as_the_reference_and_says_how_to_read_it():
    sets = control_sets(REFERENCE, TRAINING, seed=0, again=REFERENCE)
    assert len(sets) == 5
    for shapes in sets.values():
        assert shapes.clouds.shape == REFERENCE.clouds.shape
        assert np.isfinite(shapes.clouds).all()
        assert len(shapes.notes) == 1


def test_the_oracle_is_a_part_of_the_training_shapes_and_a_seed_chooses_it():
    oracle, again, other = (control_sets(REFERENCE, TRAINING, seed)[controls.ORACLE] for seed in (0, 0, 1))
    nearest = chamfer_matrix(oracle.clouds, TRAINING.clouds)
    assert (nearest.min(1) == 0).all()
    assert len(set(nearest.argmin(1))) == COUNT
    assert np.array_equal(oracle.clouds, again.clouds)
    assert not np.array_equal(oracle.clouds, other.clouds)


def test_the_collapsed_generator_makes_one_training_shape():
    shapes = control_sets(REFERENCE, TRAINING, seed=0)[controls.ONE_SHAPE]
    assert (shapes.clouds == shapes.clouds[:1]).all()
    assert chamfer_matrix(shapes.clouds[:1], TRAINING.clouds).min() == 0


def test_the_grid_has_24_cells_and_moves_no_point_farther_than_half_a_diagonal():
    grid = control_sets(REFERENCE, None, seed=0)[controls.GRID].clouds
    for before, after in zip(REFERENCE.clouds[:, 0], grid[:, 0]):
        cell = np.ptp(before, axis=0).max() / 24
        assert np.linalg.norm(after - before, axis=1).max() <= cell * np.sqrt(3) / 2 + 1e-5
        assert len(np.unique(np.round((after - after.min(0)) / cell, 3) % 1)) == 1


def test_rows_go_from_good_to_bad():
    sets = control_sets(REFERENCE, TRAINING, seed=0, again=REFERENCE)
    to_reference = {title: chamfer_matrix(s.clouds, REFERENCE.clouds).min(0).mean() for title, s in sets.items()}
    assert to_reference[controls.GRID] < to_reference[controls.ORACLE] < to_reference[controls.BLOBS]
    assert to_reference[controls.ORACLE] < to_reference[controls.ONE_SHAPE]


@pytest.mark.parametrize(("training", "reason"), [(None, "--train"), (TRAINING.select([0, 1]), "12, and there are 2")])
def test_what_cannot_be_made_says_why(training, reason):
    assert reason in control_sets(REFERENCE, training, seed=0)[controls.ORACLE]
    assert "twice as many points" in control_sets(REFERENCE, training, seed=0)[controls.AGAIN]


def test_sequences_keep_their_frames():
    reference = ellipsoids(4, 60, "reference", frames=3)
    for shapes in control_sets(reference, ellipsoids(9, 60, "training", frames=3), seed=0, again=reference).values():
        assert shapes.clouds.shape == (4, 3, 60, 3)
