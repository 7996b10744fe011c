"""The novelty of samples from files, beside the record of ``hdbench score``: the plane, and a gallery for each row."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hdbench.loading.meshes import mesh_reader
from hdbench.loading.sources import Job, Source
from hdbench.novelty.dots import Tile, picture_of_cloud
from hdbench.novelty.gallery import SIZE, Draw, shown, write
from hdbench.novelty.plane import picture
from hdbench.novelty.rows import Novelty, NoveltyRow, record
from hdbench.render import Colour, View, render
from hdbench.scoring.score import Score
from hdbench.scoring.sets import Scored
from hdbench.shape_set import ShapeSet
from hdbench.shapes import Mesh
from hdbench.store import write_atomically

Reader = Callable[[str], Mesh]
VIEW = View(up="y")  # files do not say which way is up; in ShapeNet and the clouds made of it, it is y


def novelty_of(job: Job, scored: Scored) -> Novelty | None:
    """The nearest shapes of all rows that have numbers; None without training shapes, or where no row has numbers."""
    found = {title: score for title, score in scored.rows.items() if isinstance(score, Score) and score.nearest}
    if not found or scored.training is None:
        return None
    rows = [
        NoveltyRow(
            title=title, draws=score.nearest, names=[draw.named().names for draw in scored.compared[title]],
            competes=title in job.rows,
        )
        for title, score in found.items()
    ]  # fmt: skip
    reference = next(score.nearest_of_reference for score in found.values())
    assert reference is not None
    names = scored.reference.named().names, scored.training.named().names
    return Novelty(rows=rows, reference=reference, reference_names=names[0], training_names=names[1], protocol=job.protocol)


def folder_beside(record: Path) -> Path:
    """Where the pictures go: ``scores.json`` has ``scores-novelty``."""
    return record.with_name(f"{record.stem}-novelty")


def write_novelty(folder: Path, job: Job, scored: Scored) -> dict[str, Any] | None:
    """Write the pictures; returns the record of every sample, or None where there is nothing to tell."""
    novelty = novelty_of(job, scored)
    if novelty is None:
        return None
    write_atomically(folder / "plane.png", picture(novelty, "reference"))
    pictures = ["plane.png"]
    for row in (row for row in novelty.rows if row.competes):
        pictures.append(_file_of(row.title, pictures))
        _write_gallery(folder / pictures[-1], job, scored, novelty, row)
    return {**record(novelty), "pictures": [f"{folder.name}/{name}" for name in pictures]}


def _file_of(title: str, taken: Sequence[str]) -> str:
    """A file name that every system takes, and that no other row has."""
    stem = f"neighbours-{re.sub(r'[^0-9A-Za-z._-]+', '-', title)}"
    names = (f"{stem}{'' if k == 0 else f'-{k}'}.png" for k in range(len(taken) + 1))
    return next(name for name in names if name not in taken)


def _write_gallery(path: Path, job: Job, scored: Scored, novelty: Novelty, row: NoveltyRow) -> None:
    """Meshes are rendered where both sides came as meshes; all else is shown as the clouds that were scored."""
    training = scored.training
    assert training is not None
    readers = [_reader(source, job.frames) for source in (job.rows[row.title][0], job.training)]
    of_samples, of_training = readers if all(readers) else (None, None)
    samples = _drawn(scored.compared[row.title][0], of_samples), _drawn(training, of_training)
    write(path, f"{row.title} and the nearest training shapes", novelty, shown(novelty, row, *samples))


def _reader(source: Source | None, frames: int | None) -> Reader | None:
    return None if source is None else mesh_reader(source.path, source.key, frames)


def _drawn(shapes: ShapeSet, read: Reader | None) -> Draw:
    """The first frame of a shape of this set, as a picture."""

    def draw(index: int, colour: Colour) -> Tile:
        if read is not None:
            return render(read(shapes.names[index]), SIZE, VIEW, colour)
        return picture_of_cloud(shapes.clouds[index, 0], SIZE, VIEW, colour)

    return draw
