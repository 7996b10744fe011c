"""The meshes of a run folder in the formats of other programs: GLB as they lie there, OBJ and PLY frame by frame."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdbench.errors import HdbenchError, unknown
from hdbench.shapes import Mesh
from hdbench.store import write_atomically
from hdbench.tables.records import Record

FORMATS = ("glb", "obj", "ply")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written for one row: how many samples, and how many of the first draw have no surface, so no file."""

    title: str
    folder: Path
    samples: int
    empty: int


def export(record: Record, form: str, out: Path, title: str | None = None) -> list[Exported]:
    """Write the first draw of every row that has meshes, or of one (by title or by the name of its method).

    Raises HdbenchError for a row that does not exist, and for a folder without meshes.
    """
    return [_export_row(record, row, form, out) for row in _rows(record, title)]


def _rows(record: Record, wanted: str | None) -> list[dict]:
    rows = [row for row in record.rows if row["origin"] == "ours"]
    if wanted is not None:
        names = [name for row in rows for name in (row["title"], row["method"])]
        rows = [row for row in rows if wanted in (row["title"], row["method"])]
        if not rows:
            raise unknown("row with meshes", wanted, dict.fromkeys(names))
    found = [row for row in rows if _place(record, row).is_dir()]
    if not found:
        raise HdbenchError(
            f"'{record.folder}' holds no meshes of {', '.join(row['title'] for row in rows)}: it was copied without them, or the "
            f"method makes clouds alone. Run its command again to have them: {record.command}"
        )
    return found


def _place(record: Record, row: dict) -> Path:
    return record.folder / "samples" / row["method"]


def _export_row(record: Record, row: dict, form: str, out: Path) -> Exported:
    files, folder = sorted(_place(record, row).glob("*.glb")), out / row["method"]
    for file in files:
        if form == "glb":
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / file.name)
        else:
            _write_frames(list(frames_of(file)), folder / file.stem, form)
    draws = row["score"]["draws"] if row["score"] else 1
    return Exported(row["title"], folder, len(files), max(0, row["requested"] // draws - len(files)))


def _write_frames(frames: list[Mesh], place: Path, form: str) -> None:
    """``NNNN.obj`` of a shape; ``NNNN/frame_000.obj`` and so on of a sequence."""
    for number, mesh in enumerate(frames):
        path = place.with_name(f"{place.name}.{form}") if len(frames) == 1 else place / f"frame_{number:03d}.{form}"
        write_atomically(path, encode(mesh, form))


def frames_of(file: Path) -> Iterator[Mesh]:
    """The frames of a sample that hdbench wrote as GLB, in order, as they are stored (hidden frames are not scaled away).

    Raises HdbenchError for a file that cannot be read.
    """
    import trimesh

    try:
        scene = trimesh.load_scene(file, process=False)
    except Exception as error:  # whatever a reader raises for a damaged file
        raise HdbenchError(f"'{file}' cannot be read ({error}). Run the command of its run again.") from None
    for _, mesh in sorted(scene.geometry.items()):
        yield Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


def encode(mesh: Mesh, form: str) -> bytes:
    """The bytes of an OBJ (text) or PLY (binary, little-endian) file; coordinates keep the precision of the GLB, float32."""
    vertices, faces = mesh.vertices.astype("<f4"), mesh.faces.astype("<i4")
    if form == "obj":
        lines = [f"v {x!s} {y!s} {z!s}" for x, y, z in vertices] + [f"f {a} {b} {c}" for a, b, c in faces + 1]
        return ("\n".join(["# hdbench", *lines]) + "\n").encode()
    header = (
        f"ply\nformat binary_little_endian 1.0\ncomment hdbench\nelement vertex {len(vertices)}\n"
        f"property float x\nproperty float y\nproperty float z\nelement face {len(faces)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    records = np.empty(len(faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    records["count"], records["corners"] = 3, faces
    return header.encode() + vertices.tobytes() + records.tobytes()
