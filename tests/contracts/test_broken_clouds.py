"""The contract of sources that hold clouds refuses those that are broken, and says why."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from broken_components import broken, complaint
from hdbench_shapes.clouds import PartsConfig
from hdbench_shapes.hdf5 import HDF5

from hdbench.clouds import Cloud
from hdbench.shapes import Mesh, Shape
from hdbench.testing import ShapesContract


def clouds(change):
    """``cloud`` of the file, changed."""
    return lambda self, name: (change(HDF5.cloud(self, name)[0]), [])


def drawn_from_nothing(cloud: Cloud) -> Cloud:
    return Cloud(cloud.name, cloud.points, cloud.points.shape[1])


def moved(cloud: Cloud) -> Cloud:
    return Cloud(cloud.name, cloud.points + np.random.default_rng().normal(size=3).astype(np.float32))


WELL_FORMED = "a_cloud_is_well_formed_and_the_same_every_time"
CLOUDS = [
    ({"cloud": clouds(lambda c: Cloud(c.name, c.points.astype(np.float64)))}, WELL_FORMED, "[t, q, 3] float32"),
    ({"cloud": clouds(lambda c: Cloud("other", c.points))}, WELL_FORMED, "of the name asked for"),
    ({"cloud": clouds(lambda c: Cloud(c.name, c.points * np.float32(np.nan)))}, WELL_FORMED, "points that are finite"),
    ({"cloud": clouds(moved)}, WELL_FORMED, "the same points whenever"),
    ({"cloud": clouds(drawn_from_nothing)}, WELL_FORMED, "of which points may be drawn"),
    ({"shape": lambda self, name: Shape(name, (Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]])),))},
     "a_source_gives_what_it_holds", "hold clouds and refuse to give others"),
    ({"cloud": lambda self, name: HDF5.cloud(self, "train/00000")}, "an_unknown_name_is_refused", "it gave tuple"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "check", "message"), CLOUDS)
def test_broken_clouds_are_refused(tmp_path, methods, check, message):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["02691156/train"] = np.random.default_rng(0).normal(size=(3, 16, 3)).astype(np.float32)
    small = PartsConfig(path=str(tmp_path / "a.hdf5"))
    said = complaint(ShapesContract, HDF5, broken(HDF5, **methods), f"test_{check}", small=small)
    assert said.startswith("The shapes 'hdf5' must ")
    assert message in said
