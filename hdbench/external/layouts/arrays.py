"""Layouts of clouds: a file of arrays, PointFlow's folders, DPC's HDF5."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdbench.errors import HdbenchError
from hdbench.external.layouts.material import Material
from hdbench.external.specification import Data

PC15K = 15_000  # points in a file of PointFlow's data


def write_nothing(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """An empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return ()


def write_npz(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``train.npz`` with ``clouds`` [n, q, 3], or [n, t, q, 3] of sequences."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "train.npz", clouds=_plain(material))
    return ()


def write_npy(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``train.npy`` [n, q, 3], or [n, t, q, 3] of sequences."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "train.npy", _plain(material))
    return ()


def write_pc15k(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``SYNSET/{train,val,test}/ID.npy`` [15000, 3]. Source: ShapeNetCore.v2.PC15k of github.com/stevenygd/PointFlow@26e8c26."""
    clouds = material.single_clouds()
    if clouds.shape[1] != PC15K:
        raise HdbenchError(f"The layout pc15k has {PC15K} points a file. Write points = {PC15K} in [data].")
    for split, index in material.splits(data.counting).items():
        place = folder / material.synset / split
        place.mkdir(parents=True, exist_ok=True)
        for k, i in enumerate(index):
            np.save(place / f"shape_{k:05d}.npy", clouds[i])
    return ()


def write_dpc(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``shapenet.hdf5`` with ``SYNSET/{train,val,test}`` [n, q, 3], by the repository's own h5py.

    Source: utils/dataset.py of github.com/luost26/diffusion-point-cloud@b037c5f.
    """
    place = folder / "arrays" / material.synset
    place.mkdir(parents=True, exist_ok=True)
    for split, index in material.splits(data.counting).items():
        np.save(place / f"{split}.npy", material.single_clouds()[index])
    return "write_hdf5.py", str(folder / "arrays"), str(folder / "shapenet.hdf5")


def _plain(material: Material) -> np.ndarray:
    return material.single_clouds() if material.clouds.shape[1] == 1 else material.clouds
