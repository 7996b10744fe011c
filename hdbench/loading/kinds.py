"""What a file is, by its content: endings lie, and a file without one is as good."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from hdbench.errors import HdbenchError

Kind = Literal["npy", "npz", "safetensors", "torch", "ply", "text", "mesh"]

_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # files of torch before 1.6, as ShapeGAN's are
_REFUSED = {
    b"\x89HDF\r\n\x1a\n": (
        "is an HDF5 file. One in DPC's layout is read as 'hdf5:FILE/airplane/test'; of another, save the part that you need: "
        "python -c \"import h5py, numpy; numpy.save('ref.npy', h5py.File('clouds.h5')['data'][:])\""
    ),
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself. 'git lfs pull' downloads it.",
    b"\x1f\x8b": "is compressed (gzip). Unpack it first.",
    b"BZh": "is compressed (bzip2). Unpack it first.",
    b"\xfd7zXZ": "is compressed (xz). Unpack it first.",
    b"MATLAB 5.0": "is a MATLAB file. Save its array with numpy: numpy.save('samples.npy', scipy.io.loadmat(PATH)[NAME]).",
    b"\x89PNG": "is a picture. Give the clouds or the meshes that it shows.",
    b"%PDF": "is a PDF. Give the clouds or the meshes themselves.",
}  # fmt: skip
_MESH_ENDINGS = (".obj", ".off", ".stl", ".glb", ".gltf")
_HEAD = 4096


def kind_of(path: Path) -> Kind:
    """What the file holds. HdbenchError, with the next step, for what cannot be read."""
    head = _head(path)
    if not head:
        raise HdbenchError(f"'{path}' is empty (0 bytes). Write it again.")
    for magic, reason in _REFUSED.items():
        if head.startswith(magic):
            raise HdbenchError(f"'{path}' {reason}")
    return _by_magic(path, head) or _by_text(path, head)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise HdbenchError(f"'{path}' cannot be read ({error.strerror or error}).") from None


def _by_magic(path: Path, head: bytes) -> Kind | None:
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    if head.startswith(_LEGACY_TORCH):
        return "torch"
    if head.startswith(b"glTF"):
        return "mesh"
    if _is_safetensors(path, head):
        return "safetensors"
    if head[0] == 0x80 and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise HdbenchError(
            f"'{path}' is a Python pickle. Reading one can run foreign code, so hdbench does not. Save the clouds as an array "
            "[n, q, 3], in the environment that wrote the file: numpy.savez('samples.npz', samples=clouds)."
        )
    return None


def _zip_kind(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise HdbenchError(f"'{path}' is a damaged archive ({error}). Write or copy it again.") from None
    if any(name.endswith(".npy") for name in names):
        return "npz"
    if any(name.endswith("data.pkl") for name in names):
        return "torch"
    what = "an archive without arrays" if names else "an empty archive"
    raise HdbenchError(f"'{path}' is {what}. Unpack it and give the folder, or save the clouds with numpy.savez.")


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Eight bytes that say how long the JSON header is, and the header."""
    return len(head) > 8 and head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= path.stat().st_size - 8


def _by_text(path: Path, head: bytes) -> Kind:
    if head.startswith((b"ply\n", b"ply\r")):
        return "ply"
    if path.suffix.lower() in _MESH_ENDINGS:
        return "mesh"
    if b"\0" not in head and _is_utf8(head):
        return "text"
    raise HdbenchError(
        f"'{path}' is of no format that hdbench knows (it begins with {head[:8]!r}). Known files: .npz, .npy, .safetensors, .pt "
        "and .pth with clouds [n, q, 3] or [n, t, q, 3]; known folders: meshes, clouds, and run folders of hdbench."
    )


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) == _HEAD and error.start >= _HEAD - 3  # a character that was cut in two
    return True
