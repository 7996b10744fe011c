"""Samples beside their nearest training shapes, with distances: the gallery of Erkoc et al. 2023, figure 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hdbench.novelty.dots import Tile
from hdbench.novelty.rows import Novelty, NoveltyRow
from hdbench.render import CLAYS, FAINT, INK, PAPER_BYTES, Colour
from hdbench.scoring.nearest import Nearest

SAMPLES = 8  # per gallery
SIZE = 168  # pixels of a tile
ACROSS = 2  # samples side by side
SAMPLE_CLAY, TRAINING_CLAY = CLAYS[1], CLAYS[0]
HEAD, CAPTION, GAP, MARGIN = 58, 22, 28, 20  # pixels: title, below a tile, between samples, around

Draw = Callable[[int, Colour], Tile]  # (number of a shape, its colour) -> its picture [size, size, 3]


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample, its picture and those of its neighbours, each with what stands below it."""

    tiles: Sequence[tuple[Tile, str]]


def chosen(nearest: Nearest, count: int = SAMPLES) -> list[int]:
    """Rows of samples that stand for all: by their distance to the training set the nearest, the farthest, and the others at
    equal steps of rank. Empty samples are not among them."""
    to_training = nearest.to_training[:, 0]
    order = [int(k) for k in np.argsort(to_training, kind="stable") if np.isfinite(to_training[k])]
    steps = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [order[step] for step in steps]


def shown(novelty: Novelty, row: NoveltyRow, sample: Draw, training: Draw, count: int = SAMPLES) -> list[Shown]:
    """The chosen samples of the first draw of a row and their neighbours, drawn by ``sample`` and ``training``."""
    nearest, found = row.draws[0], []
    for k in chosen(nearest, count):
        position = int(nearest.position[k])
        tiles = [(sample(position, SAMPLE_CLAY), f"sample {row.names[0][position]}")]
        for index, distance in zip(nearest.training_index[k], nearest.to_training[k]):
            tiles.append((training(int(index), TRAINING_CLAY), f"{novelty.training_names[index]}  {distance:.3g}"))
        found.append(Shown(tiles))
    return found


def write(path: Path, title: str, novelty: Novelty, samples: Sequence[Shown]) -> None:
    """Write the gallery as PNG: ``ACROSS`` samples to a line, each with its neighbours at its right, nearest first."""
    from PIL import Image, ImageDraw

    words = f"from the sample nearest to a training shape to the farthest, at equal steps of rank; {novelty.unit}"
    columns = max((len(sample.tiles) for sample in samples), default=1)
    block = columns * SIZE
    lines = -(-len(samples) // ACROSS)
    across = min(ACROSS, max(len(samples), 1))
    sheet = Image.new("RGB", (2 * MARGIN + across * block + (across - 1) * GAP, HEAD + lines * (SIZE + CAPTION)), PAPER_BYTES)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 22), title, fill=INK, font=_font(18), anchor="lm")
    draw.text((MARGIN, 44), words, fill=(120, 126, 138), font=_font(12), anchor="lm")
    for k, sample in enumerate(samples):
        left, top = MARGIN + (k % ACROSS) * (block + GAP), HEAD + (k // ACROSS) * (SIZE + CAPTION)
        _place(sheet, draw, sample, left, top)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, format="PNG")


def _place(sheet: Any, draw: Any, sample: Shown, left: int, top: int) -> None:
    from PIL import Image

    for k, (tile, caption) in enumerate(sample.tiles):
        corner = (left + k * SIZE, top)
        sheet.paste(Image.fromarray(tile), corner)
        middle = (corner[0] + SIZE // 2, top + SIZE + CAPTION // 2 - 4)
        draw.text(middle, _shortened(caption), fill=INK, font=_font(11), anchor="mm")
    draw.line([(left + SIZE, top + 8), (left + SIZE, top + SIZE)], fill=FAINT, width=2)


def _shortened(caption: str, length: int = 28) -> str:
    """Its end: names differ there, and the distance is there."""
    return caption if len(caption) <= length else "…" + caption[1 - length :]


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)
