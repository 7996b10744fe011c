"""Nothing is unpickled, and garbage ends in an answer."""

from __future__ import annotations

import argparse
import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from cloud_files import clouds, read
from layouts import npy, npz, npz_compressed, pt_dict, pth, pth_before_1_6, safetensors

from hdbench.errors import HdbenchError
from hdbench.loading.kinds import kind_of


class Bomb:
    """Unpickling it is an event."""

    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"args": argparse.Namespace(), "samples": torch.zeros(2, 9, 3)}, "namespace.pt")
    torch.save({"samples": torch.zeros(2, 9, 3), "x": Bomb()}, "bomb.pt")
    np.save("object.npy", np.array([Bomb(), 1], dtype=object), allow_pickle=True)
    np.savez("object.npz", x=np.array([Bomb(), 1], dtype=object))
    Path("bomb.pkl").write_bytes(pickle.dumps(Bomb()))
    messages = {
        "namespace.pt": r"Python objects besides tensors \(argparse.Namespace\)", "bomb.pt": "Python objects besides tensors",
        "object.npy": "Save one array per shape", "object.npz": "Save one array per shape", "bomb.pkl": "is a Python pickle",
    }  # fmt: skip
    for name, words in messages.items():
        with pytest.raises(HdbenchError, match=words):
            read(Path(name), points=9)
    assert not Path("exploded").exists()
    pickle.loads(Path("bomb.pkl").read_bytes())
    assert Path("exploded").exists()  # the bomb is live


@pytest.mark.parametrize("head", [b"\x89HDF\r\n\x1a\n", b"\x1f\x8b", b"MATLAB 5.0 MAT-file", b"\x89PNG\r\n", b"\x00\x01\x02\x03"])
def test_files_of_other_programs_are_refused_with_the_next_step(head, tmp_path):
    (tmp_path / "a").write_bytes(head + bytes(100))
    with pytest.raises(HdbenchError, match=r"HDF5|gzip|MATLAB|picture|no format that hdbench knows"):
        read(tmp_path / "a")


ENDINGS = (".npy", ".npz", ".safetensors", ".pt", ".pth", ".ply", ".xyz", ".txt", ".obj", ".off", ".stl", ".glb", ".gltf", "")


@pytest.mark.parametrize("ending", ENDINGS)
def test_garbage_ends_in_an_answer_and_never_in_a_traceback(ending, tmp_path):
    rng = random.Random(ending)
    (tmp_path / "folder").mkdir()
    for case in range(40):
        content = rng.randbytes(rng.randrange(300)) if case % 2 else bytes(rng.choices(range(32, 127), k=rng.randrange(300)))
        for path in (tmp_path / f"x{ending}", tmp_path / "folder" / f"x{ending}"):
            path.write_bytes(content)
        for path in (tmp_path / f"x{ending}", tmp_path / "folder"):
            with pytest.raises(HdbenchError):
                read(path, points=8)


@pytest.mark.parametrize("write", [npy, npz, npz_compressed, safetensors, pth, pth_before_1_6, pt_dict])
def test_files_that_were_cut_or_flipped_end_in_an_answer(write, tmp_path):
    whole = write(tmp_path / "x", clouds(2, 16)).read_bytes()
    rng, path, refused = random.Random(write.__name__), tmp_path / "y", 0
    for case in range(60):
        content = bytearray(whole)
        if case % 3 == 0:
            del content[rng.randrange(len(content)) :]
        for _ in range(case % 3 * 4):
            content[rng.randrange(min(len(content), 400))] = rng.randrange(256)
        path.write_bytes(content)
        try:
            assert read(path, points=16).clouds.shape[2:] == (16, 3)
        except HdbenchError:
            refused += 1
    assert refused >= 20  # every cut


def test_the_kind_is_told_by_content(tmp_path):
    for write, kind in ((npy, "npy"), (npz, "npz"), (pth, "torch"), (pth_before_1_6, "torch"), (safetensors, "safetensors")):
        path = tmp_path / "misnamed.obj"
        shutil.move(write(tmp_path / "x", clouds()), path)
        assert kind_of(path) == kind


def test_a_large_array_is_mapped_and_not_copied(tmp_path):
    import tracemalloc

    path = tmp_path / "big.npy"
    big = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(60, 15_000, 3))
    big[:] = clouds(1, 15_000)
    big.flush()
    del big
    tracemalloc.start()
    read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2
