"""Pictures of meshes without a display: rays against triangles (embree), a soft key light, an open sky, a shadow on the floor.

Every subpixel sends one ray; where it hits, a few rays towards the light and the sky say how much of each is seen. All random
directions come from one fixed seed, so a mesh has one picture. Source: Wald et al. 2014 (Embree).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.config import check
from hdbench.errors import HdbenchError
from hdbench.shapes import Mesh

Array = NDArray[np.float32]
Colour = tuple[float, float, float]

SUBPIXELS = 2  # per pixel and axis
SKY_RAYS = 4  # per subpixel that shows the surface
LIGHT_RAYS = 1
FLOOR_RAYS = 10  # per floor point, a quarter of the subpixels' resolution
HALF_WIDTH = 0.48  # of the view, in box units: a normalised shape fits, and shapes keep their sizes beside each other
CREASE_COSINE = 0.75  # edges sharper than about 40 degrees stay sharp
SURFACE_OFFSET = 1e-3  # where secondary rays start, above the surface

PAPER: Colour = (0.984, 0.984, 0.988)
CLAYS: tuple[Colour, ...] = (
    (0.70, 0.72, 0.76), (0.42, 0.61, 0.84), (0.90, 0.63, 0.42), (0.52, 0.73, 0.58), (0.73, 0.60, 0.82), (0.85, 0.50, 0.62),
)  # fmt: skip
PAPER_BYTES = tuple(round(255 * part) for part in PAPER)
INK = (40, 44, 52)
FAINT = (222, 225, 230)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """From where a shape is seen, orthographically: turned about the up axis, then from above, in degrees."""

    azimuth: float = 40.0
    elevation: float = 28.0
    up: Literal["y", "z"] = "z"

    def __post_init__(self) -> None:
        check(self.up in ("y", "z"), "view.up", "y or z", self.up)
        check(-90 < self.elevation < 90, "view.elevation", "between -90 and 90 degrees", self.elevation)


def render(
    mesh: Mesh, size: int = 256, view: View | None = None, colour: Colour = CLAYS[0], among: Sequence[Mesh] = ()
) -> NDArray[np.uint8]:
    """A picture [size, size, 3] of the mesh, sRGB; ``colour`` is the surface's, in 0..1. An empty mesh gives a tile that says so.

    Normalised shapes keep their relative sizes; a mesh that is larger is made to fit. ``among`` are the frames of a sequence
    that it belongs to: all are then seen from one place, above one floor. Raises HdbenchError without embree.
    """
    if mesh.is_empty:
        return _empty_tile(size)
    view = view or View()
    scene = _Scene(_upright(mesh.vertices, view.up), mesh.faces)
    stage = np.concatenate([_upright(m.triangles.reshape(-1, 3), view.up) for m in among or (mesh,) if not m.is_empty])
    camera = _camera(stage, view)
    side = size * SUBPIXELS
    ground = float(stage[:, 2].min())
    picture = np.repeat(_floor(scene, camera, side, ground).reshape(-1, 1), 3, axis=1) * _linear(PAPER)
    hits, points, normals = scene.first_hit(camera.rays(side), -camera.towards)
    light = _light(scene, camera, points, normals, hits % side, hits // side)
    picture[hits] = light * _linear(colour)
    pixels = picture.reshape(size, SUBPIXELS, size, SUBPIXELS, 3).mean((1, 3))
    return _to_bytes(pixels)


def _upright(vertices: NDArray[np.float64], up: str) -> Array:
    """The vertices with the third axis up, as float32; a y-up shape is turned by a quarter about x."""
    turned = vertices if up == "z" else vertices[:, [0, 2, 1]] * [1, -1, 1]
    return turned.astype(np.float32)


class _Scene:
    """Triangles that rays can be asked about: ``corners`` [f, 3, 3] and their shading normals."""

    def __init__(self, vertices: Array, faces: NDArray[np.int64]) -> None:
        scene_type, mesh_type = _embree()
        self.corners = vertices[faces]
        self.sides = np.cross(self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0])
        self.normals = _corner_normals(self.sides, faces, len(vertices))
        self._scene = scene_type()
        mesh_type(self._scene, self.corners)

    def first_hit(self, origins: Array, direction: Array) -> tuple[NDArray[np.int64], Array, Array]:
        """Which of the parallel rays [n, 3] hit, where [h, 3], and the unit shading normals there, towards the viewer."""
        found = self._scene.run(origins, np.tile(direction, (len(origins), 1)), output=1)
        hits = np.flatnonzero(found["primID"] >= 0)
        u, v, face = (found[key][hits] for key in ("u", "v", "primID"))
        shares = np.stack([1 - u - v, u, v], axis=1)[:, :, None]
        normals = _unit((self.normals[face] * shares).sum(1))
        # The face decides which side is seen: at a grazing angle the shading normal may point away from the viewer.
        away = (self.sides[face] @ direction) * (self.sides[face] * normals).sum(1) > 0
        normals[away] *= -1
        return hits, (self.corners[face] * shares).sum(1), normals

    def blocked(self, origins: Array, directions: Array) -> NDArray[np.bool_]:
        """Whether anything lies on each ray [n, 3]."""
        return self._scene.run(origins, directions, query="OCCLUDED") >= 0


@cache
def _embree() -> tuple[Any, Any]:
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ImportError as error:
        raise HdbenchError(
            f"Pictures need the package 'embreex', which cannot be imported ({error}). pip install embreex."
        ) from None
    return EmbreeScene, TriangleMesh


def _unit(vectors: Array) -> Array:
    return vectors / np.sqrt(np.einsum("...d,...d", vectors, vectors) + np.float32(1e-30))[..., None]


def _corner_normals(flat: Array, faces: NDArray[np.int64], vertex_count: int) -> Array:
    """Unit normals [f, 3, 3] from those of the faces [f, 3], whose lengths are areas: their mean around each vertex, but the
    face's own at a sharp edge."""
    summed = np.stack([np.bincount(faces.ravel(), np.repeat(flat[:, d], 3), vertex_count) for d in range(3)], axis=1)
    flat, smooth = _unit(flat)[:, None], _unit(summed.astype(np.float32))[faces]
    return np.where((smooth * flat).sum(-1, keepdims=True) > CREASE_COSINE, smooth, flat)


@dataclass(frozen=True, slots=True, eq=False)
class _Camera:
    """An orthographic view: its axes ``right``, ``up`` and ``towards`` the viewer, the middle of the picture, half its width."""

    right: Array
    up: Array
    towards: Array
    middle: Array
    half_width: float

    def rays(self, side: int) -> Array:
        """Origins [side * side, 3] of the rays, row by row from the top left; they run along -towards."""
        steps = np.float32(self.half_width) * ((np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1)
        start = self.middle + 4 * np.float32(self.half_width) * self.towards
        rows = start - steps[:, None, None] * self.up + steps[None, :, None] * self.right
        return np.ascontiguousarray(rows.reshape(-1, 3), np.float32)

    @property
    def key(self) -> Array:
        """The direction of the light: from above, from the viewer's left."""
        return _unit(np.array([0, 0, 1], np.float32) + 0.55 * self.towards - 0.55 * self.right)


def _camera(points: Array, view: View) -> _Camera:
    turn, rise = np.radians([view.azimuth, view.elevation])
    towards = np.array([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], np.float32)
    right = np.array([-np.sin(turn), np.cos(turn), 0], np.float32)
    up = np.cross(towards, right)
    seen = points @ np.stack([right, up, towards], axis=1)
    low, high = seen.min(0), seen.max(0)
    half_width = max(HALF_WIDTH, 0.55 * float((high - low)[:2].max()))
    return _Camera(right, up, towards, np.stack([right, up, towards], axis=1) @ ((low + high) / 2), half_width)


def _light(scene: _Scene, camera: _Camera, points: Array, normals: Array, column: NDArray, row: NDArray) -> Array:
    """What reaches each point [h, 1]: the sky and the floor below it as far as they are in view, and the key light."""
    origins = points + normals * np.float32(SURFACE_OFFSET)
    sky = np.zeros(len(points), np.float32)
    for sample in range(SKY_RAYS):
        directions = _unit(normals + _spread(column, row, sample, SKY_RAYS))
        open_sky = np.where(directions[:, 2] > 0, np.float32(1), np.float32(0.55))
        sky += np.where(scene.blocked(origins, directions), np.float32(0.12), open_sky)
    key = np.zeros(len(points), np.float32)
    for sample in range(LIGHT_RAYS):
        directions = _unit(camera.key + np.float32(0.12) * _spread(column, row, sample, LIGHT_RAYS))
        key += np.where(scene.blocked(origins, directions), 0, (normals * directions).sum(1).clip(0))
    return (0.52 / SKY_RAYS * sky + 0.86 / LIGHT_RAYS * key)[:, None]


def _spread(column: NDArray[np.int64], row: NDArray[np.int64], sample: int, count: int) -> Array:
    """A direction per pixel [n, 3]: the samples of a pixel, and of its neighbours, lie evenly on the sphere."""
    # Heights step by the plastic number (Roberts 2018, R2), angles by gradient noise (Jimenez 2014): uncorrelated, no clumps.
    height = 2 * ((column * 0.7548776662466927 + row * 0.5698402910980532 + (sample + 0.5) / count) % 1) - 1
    turn = (52.9829189 * ((0.06711056 * column + 0.00583715 * row) % 1) + 0.6180339887498949 * sample) % 1
    angle, radius = (2 * np.pi * turn).astype(np.float32), np.sqrt(1 - height**2).astype(np.float32)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height.astype(np.float32)], axis=1)


def _floor(scene: _Scene, camera: _Camera, side: int, ground: float) -> Array:
    """How light the floor at the height ``ground`` is behind each subpixel [side, side]: 1 in the open, less in the shadow."""
    from scipy.ndimage import gaussian_filter, zoom

    coarse = side // 4
    floor = np.float32(ground) - np.float32(0.01)
    origins = camera.rays(coarse)
    points = origins - camera.towards * ((origins[:, 2:] - floor) / camera.towards[2])
    row, column = np.divmod(np.arange(coarse * coarse), coarse)
    lit = np.zeros(len(points), np.float32)
    for sample in range(FLOOR_RAYS):
        directions = _unit(camera.key + np.float32(0.75) * _spread(column, row, sample, FLOOR_RAYS))
        lit += ~scene.blocked(points, directions)
    smooth = gaussian_filter((lit / FLOOR_RAYS).reshape(coarse, coarse), 1.5, mode="nearest")
    shadow = (1 - smooth) * np.outer(_fade(coarse), _fade(coarse))
    return 1 - np.float32(0.6) * zoom(shadow.astype(np.float32), side / coarse, order=1, grid_mode=True, mode="nearest")


def _fade(count: int) -> Array:
    """One in the middle, down to zero at both ends over a tenth: tiles join without a seam."""
    ends = (np.arange(count) + 0.5) / count
    return np.minimum(1, np.minimum(ends, 1 - ends) * 10).astype(np.float32)


def _linear(colour: Colour) -> Array:
    """An sRGB colour as linear light (by the exponent that is the mean of IEC 61966-2-1)."""
    return np.array(colour, np.float32) ** np.float32(2.2)


def _to_bytes(linear: Array) -> NDArray[np.uint8]:
    """Linear light as sRGB in 0..255; the inverse of ``_linear``."""
    return (255 * linear.clip(0, 1) ** np.float32(1 / 2.2) + 0.5).astype(np.uint8)


def _empty_tile(size: int) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    tile = Image.new("RGB", (size, size), PAPER_BYTES)
    ImageDraw.Draw(tile).text((size / 2, size / 2), "empty", fill=(150, 154, 162), font=_font(size // 10), anchor="mm")
    return np.asarray(tile)


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def contact_sheet(
    rows: Sequence[tuple[str, Sequence[Mesh | Array]]], path: Path, columns: int = 8, size: int = 192, view: View | None = None,
    tones: Sequence[int] | None = None,
) -> None:  # fmt: skip
    """Write a gallery as PNG: a title per row and its meshes or clouds [q, 3] below it, ``columns`` to a line, each row in its
    own colour, or in that of its number in ``tones`` (0 is that of real shapes).

    A row may be empty. Raises HdbenchError if there are no rows.
    """
    tiles = [
        (title, [_tile(shape, size, view, CLAYS[tone % len(CLAYS)]) for shape in shapes])
        for tone, (title, shapes) in zip(tones or range(len(rows)), rows)
    ]
    _write_sheet(tiles, path, columns, size)


def _tile(shape: Mesh | Array, size: int, view: View | None, colour: Colour) -> NDArray[np.uint8]:
    if isinstance(shape, Mesh):
        return render(shape, size, view, colour)
    from hdbench.novelty.dots import picture_of_cloud

    return picture_of_cloud(shape, size, view or View(), colour)


def frame_sheet(
    rows: Sequence[tuple[str, Sequence[Sequence[Mesh]]]], path: Path, columns: int = 8, size: int = 160, view: View | None = None
) -> None:
    """Write sequences over time as PNG: a title and a colour per row, below it a line per sequence, time from left to right.

    ``columns`` frames of each are shown, evenly spaced, from the first on; all from one place, above one floor. A row may be
    empty. Raises HdbenchError if there are no rows.
    """
    columns = min(columns, max((len(frames) for _, sequences in rows for frames in sequences), default=columns))
    tiles = [
        (title, [tile for frames in sequences for tile in _over_time(frames, columns, size, view, CLAYS[index % len(CLAYS)])])
        for index, (title, sequences) in enumerate(rows)
    ]
    _write_sheet(tiles, path, columns, size)


def _over_time(frames: Sequence[Mesh], columns: int, size: int, view: View | None, colour: Colour) -> list[NDArray[np.uint8]]:
    """Pictures of ``columns`` frames; blank tiles where the sequence has fewer."""
    shown = sorted({k * len(frames) // columns for k in range(columns)})
    blank = np.full((size, size, 3), PAPER_BYTES, np.uint8)
    return [render(frames[k], size, view, colour, frames) for k in shown] + [blank] * (columns - len(shown))


def _write_sheet(rows: Sequence[tuple[str, Sequence[NDArray[np.uint8]]]], path: Path, columns: int, size: int) -> None:
    """A title per row and its tiles [size, size, 3] below it, ``columns`` to a line."""
    from PIL import Image, ImageDraw

    if not rows:
        raise HdbenchError(f"The gallery '{path}' has no rows.")
    margin, title_height = size // 8, size // 4
    heights = [title_height + size * max(1, -(-len(tiles) // columns)) + margin for _, tiles in rows]
    sheet = Image.new("RGB", (2 * margin + columns * size, margin + sum(heights)), PAPER_BYTES)
    draw = ImageDraw.Draw(sheet)
    top = margin // 2
    for index, ((title, tiles), height) in enumerate(zip(rows, heights)):
        if index:
            draw.line([(margin, top), (sheet.width - margin, top)], fill=FAINT, width=max(1, size // 128))
        draw.text((margin, top + title_height / 2), title, fill=INK, font=_font(size // 9), anchor="lm")
        for place, tile in enumerate(tiles):
            corner = (margin + size * (place % columns), top + title_height + size * (place // columns))
            sheet.paste(Image.fromarray(tile), corner)
        top += height
    sheet.save(path, format="PNG")
