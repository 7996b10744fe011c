"""A glTF 2.0 document, as .gltf with sidecars or as .glb: its JSON tree, and its accessors as arrays.

Everything in the file may be wrong; whatever is, is a ShapeError with the reason, and nothing is allocated that the file's own
bytes do not fill. Source: Khronos, glTF 2.0, sections 3.6 (binary data) and 4.4 (GLB).
"""

from __future__ import annotations

import base64
import json
import struct
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench_shapes.files import beside

COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
MOST_ZEROS = 10_000_000  # numbers of an accessor that has no bytes of its own
OF_NO_ACCOUNT = ("KHR_materials_", "KHR_texture_", "KHR_lights_", "EXT_texture_", "MSFT_texture_", "KHR_mesh_quantization")


class Document:
    """The tree of a file, and what its accessors hold. ``root`` is the folder that sidecars must lie in."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file, self.root = file, root
        self.tree = _parsed(_text(file))
        if str(self.part("asset").get("version", "")).partition(".")[0] != "2":
            raise ShapeError("it is no glTF of version 2")
        foreign = [name for name in self.entries("extensionsRequired") if not str(name).startswith(OF_NO_ACCOUNT)]
        if foreign:
            raise ShapeError(f"it needs the extension {foreign[0]}, which is not supported: export it without compression")

    def part(self, name: str) -> dict[str, Any]:
        """An object of the tree; empty if there is none."""
        return _a(dict, self.tree.get(name, {}), name)

    def entries(self, name: str) -> list[Any]:
        """An array of the tree; empty if there is none."""
        return _a(list, self.tree.get(name, []), name)

    def item(self, name: str, index: Any) -> dict[str, Any]:
        """An object that the tree refers to by its index."""
        items = self.entries(name)
        if type(index) is not int or not 0 <= index < len(items):
            raise ShapeError(f"it refers to {name}[{index}], but there are {len(items)}")
        return _a(dict, items[index], f"{name}[{index}]")

    def accessor(self, index: Any, kinds: tuple[str, ...]) -> NDArray:
        """The values of an accessor: [n], or [n, d] for vectors and matrices. Floats are float64, integers as they are stored;
        normalised integers are floats in 0..1 or -1..1."""
        found = self.item("accessors", index)
        kind, component = found.get("type"), found.get("componentType")
        if kind not in kinds or component not in COMPONENTS:
            raise ShapeError(f"accessors[{index}] is a {kind} of {component}, where one of {', '.join(kinds)} is needed")
        values = self._values(found, WIDTHS[kind], np.dtype(COMPONENTS[component]), f"accessors[{index}]")
        if "sparse" in found:
            values = self._replaced(values, _a(dict, found["sparse"], "sparse"), f"accessors[{index}]")
        if found.get("normalized"):
            values = (values / np.iinfo(values.dtype).max).clip(-1) if values.dtype.kind in "iu" else values
        values = values.astype(np.float64) if values.dtype.kind == "f" else values
        return values[:, 0] if kind == "SCALAR" else values

    def _values(self, found: dict[str, Any], width: int, kind: np.dtype, where: str) -> NDArray:
        count = _natural(found.get("count"), f"{where}.count")
        if "bufferView" not in found:
            if count * width > MOST_ZEROS:
                raise ShapeError(f"{where} has {count} elements without any bytes")
            return np.zeros((count, width), kind)
        view = self.item("bufferViews", found["bufferView"])
        stride = _natural(view.get("byteStride", kind.itemsize * width), "byteStride")
        start, row = _natural(found.get("byteOffset", 0), "byteOffset"), kind.itemsize * width
        data = self._view(view)
        need = start + (count - 1) * stride + row if count else 0
        if stride < row or need > len(data):
            raise ShapeError(f"{where} reaches to byte {need} of a view of {len(data)}, with a stride of {stride}")
        return np.ndarray((count, width), kind, data, start, (stride, kind.itemsize)) if count else np.zeros((0, width), kind)

    def _replaced(self, values: NDArray, sparse: dict[str, Any], where: str) -> NDArray:
        """Values with those of a sparse accessor in their places."""
        places, news = (_a(dict, sparse.get(part), f"{where}.sparse.{part}") for part in ("indices", "values"))
        if places.get("componentType") not in (5121, 5123, 5125):
            raise ShapeError(f"{where}.sparse has indices of {places.get('componentType')}")
        index = self._values(places | {"count": sparse.get("count")}, 1, np.dtype(COMPONENTS[places["componentType"]]), where)[
            :, 0
        ]
        if len(index) and index.max() >= len(values):
            raise ShapeError(f"{where}.sparse replaces element {index.max()} of {len(values)}")
        found = values.copy()
        found[index] = self._values(news | {"count": sparse.get("count")}, values.shape[1], values.dtype, where)
        return found

    def _view(self, view: dict[str, Any]) -> bytes:
        buffers, index = self._buffers, view.get("buffer")
        if type(index) is not int or not 0 <= index < len(buffers):
            raise ShapeError(f"it refers to buffers[{index}], but there are {len(buffers)}")
        start, length = (_natural(view.get(k, 0), k) for k in ("byteOffset", "byteLength"))
        if start + length > len(buffers[index]):
            raise ShapeError(f"a view ends at byte {start + length} of buffers[{index}], which has {len(buffers[index])}")
        return buffers[index][start : start + length]

    @cached_property
    def _buffers(self) -> list[bytes]:
        return [self._buffer(_a(dict, buffer, "buffers"), k) for k, buffer in enumerate(self.entries("buffers"))]

    def _buffer(self, buffer: dict[str, Any], index: int) -> bytes:
        uri = buffer.get("uri")
        if uri is None:
            if index or self.file.suffix.lower() != ".glb":
                raise ShapeError(f"buffers[{index}] has no bytes")
            return _chunk(self.file)
        text = _a(str, uri, "uri")
        if text.startswith("data:"):
            return _decoded(text)
        return beside(self.file, text, self.root).read_bytes()


def _text(file: Path) -> bytes:
    """The JSON of a .gltf file, or the first chunk of a .glb file; nothing else of it is read."""
    if file.suffix.lower() == ".gltf":
        return file.read_bytes()
    with file.open("rb") as stream:
        head, size = stream.read(20), file.stat().st_size
        if len(head) < 20 or head[:4] != b"glTF":
            raise ShapeError("it does not begin with the header of a GLB file")
        _, version, total, length, kind = struct.unpack("<4sIII4s", head)
        if version != 2 or total > size:
            raise ShapeError(f"it is a GLB of version {version} and {total} bytes, but the file has {size}")
        if kind != b"JSON" or 20 + length > total:
            raise ShapeError(f"its first chunk is {kind!r} with {length} bytes, which is no JSON that the file holds")
        return stream.read(length)


def _chunk(file: Path) -> bytes:
    """The binary chunk of a .glb file, which follows its JSON."""
    with file.open("rb") as stream:
        _, _, total, length, _ = struct.unpack("<4sIII4s", stream.read(20))
        stream.seek(20 + length)
        head = stream.read(8)
        size, kind = struct.unpack("<I4s", head) if len(head) == 8 else (0, b"")
        if kind != b"BIN\0" or 28 + length + size > total:
            raise ShapeError(f"its binary chunk at byte {20 + length} is missing or cut off")
        return stream.read(size)


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        return _a(dict, json.loads(text), "the document")
    except (ValueError, RecursionError) as error:
        raise ShapeError(f"its JSON cannot be read ({type(error).__name__}: {error})") from None


def _decoded(uri: str) -> bytes:
    try:
        return base64.b64decode(uri.partition(";base64,")[2], validate=True)
    except ValueError as error:
        raise ShapeError(f"a buffer in its JSON cannot be decoded ({error})") from None


def _natural(value: Any, where: str) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise ShapeError(f"{where} is {value!r}, no whole number that makes sense")
    return value


def _a(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind):
        raise ShapeError(f"{where} is a {type(value).__name__} where a {kind.__name__} is needed")
    return value
