"""The novelty of a run's samples, in the folder ``novelty`` of its run folder: ``samples.json``, ``plane.png``, and a gallery of
training neighbours for each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hdbench.flow import Outcome, Result
from hdbench.novelty.dots import Tile, picture_of_cloud
from hdbench.novelty.gallery import SIZE, chosen, shown, write
from hdbench.novelty.plane import picture
from hdbench.novelty.rows import Novelty, NoveltyRow, record
from hdbench.plan import Plan
from hdbench.render import Colour, View, render
from hdbench.shapes import Mesh
from hdbench.stages.decode import unpack
from hdbench.stages.measure import nearest
from hdbench.store import load_tensors, write_atomically, write_json

RECORD = "novelty/samples.json"


def novelty_of(plan: Plan, result: Result) -> Novelty | None:
    """The nearest shapes of all rows that were scored; None where there are too few training shapes."""
    rows, reference = [], None
    for outcome in result.outcomes:
        draws, of_reference = nearest(outcome.measured) if outcome.measured and outcome.score else ([], None)
        if draws:
            names = [[str(k) for k in range(len(draw.clouds))] for draw in outcome.draws]
            rows.append(NoveltyRow(title=outcome.title, draws=draws, names=names, competes=outcome.origin == "ours"))
            reference = reference or of_reference
    if reference is None:
        return None
    split = result.data.split
    return Novelty(
        rows=rows, reference=reference, reference_names=split.test, training_names=split.train, protocol=plan.protocol
    )  # fmt: skip


def write_novelty(folder: Path, plan: Plan, result: Result) -> str | None:
    """Write all of it; returns the record's place in the run folder, or None where there is nothing to write."""
    novelty = novelty_of(plan, result)
    if novelty is None:
        return None
    write_atomically(folder / "novelty" / "plane.png", picture(novelty))
    outcomes = {outcome.title: outcome for outcome in result.outcomes}
    pictures = ["novelty/plane.png"]
    for row in (row for row in novelty.rows if row.competes):
        pictures.append(f"novelty/neighbours-{outcomes[row.title].method}.png")
        _write_gallery(folder / pictures[-1], plan, result, novelty, row)
    write_json(folder / RECORD, {**record(novelty), "pictures": pictures})
    return RECORD


def _write_gallery(path: Path, plan: Plan, result: Result, novelty: Novelty, row: NoveltyRow) -> None:
    """Meshes are rendered; of methods that make clouds, both sides are shown as clouds. Of a sequence, the first frame."""
    [outcome] = [outcome for outcome in result.outcomes if outcome.title == row.title]
    source = plan.source.build()
    view = replace(View(), up=source.up)
    meshes = _meshes(outcome, [int(row.draws[0].position[k]) for k in chosen(row.draws[0])])

    def sample(position: int, colour: Colour) -> Tile:
        if position in meshes:
            return render(meshes[position], SIZE, view, colour)
        return picture_of_cloud(outcome.draws[0].clouds.load("clouds")[position, 0].numpy(), SIZE, view, colour)

    def training(index: int, colour: Colour) -> Tile:
        name = result.data.split.train[index]
        if meshes and source.holds == "meshes":
            return render(source.place(source.shape(name)).frames[0], SIZE, view, colour)
        return picture_of_cloud(result.data.select((name,)).load("clouds")[0, 0].numpy(), SIZE, view, colour)

    write(path, f"{row.title} and the nearest training shapes", novelty, shown(novelty, row, sample, training))


def _meshes(outcome: Outcome, positions: Sequence[int]) -> dict[int, Mesh]:
    """{position: first frame} of some samples of the first draw; none of a method that makes clouds."""
    found: dict[int, Mesh] = {}
    first = 0
    for path in outcome.meshes:
        tensors = load_tensors(path)
        if "mesh.counts" not in tensors:
            return {}
        count = len(tensors["mesh.counts"])
        inside = [position for position in positions if first <= position < first + count]
        made = unpack(tensors) if inside else []
        found |= {position: made[position - first][0] for position in inside}
        first += count
    return found
