"""Training shapes in the layouts that foreign repositories read: one writer each, chosen by name.

A writer gets the Material and writes into a folder. What it returns are the arguments of a script that the repository's own
interpreter runs afterwards (for files that need a library of theirs), or nothing. Only training shapes are ever written: a
repository's own validation and test splits are made of them too, because it must not see our test shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hdbench.external.layouts import arrays, geometry
from hdbench.external.layouts.material import Material
from hdbench.external.specification import Data

Writer = Callable[[Path, Material, Data], tuple[str, ...]]

WRITERS: dict[str, Writer] = {
    "none": arrays.write_nothing,
    "npz": arrays.write_npz,
    "npy": arrays.write_npy,
    "pc15k": arrays.write_pc15k,
    "dpc-hdf5": arrays.write_dpc,
    "meshes": geometry.write_meshes,
    "shapegan-voxels": geometry.write_voxels,
    "shapegan-points": geometry.write_sdf_points,
}

__all__ = ["WRITERS", "Material", "Writer"]
