"""Run folder -> its section of the page, and the shapes that the section shows."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from markupsafe import Markup

from hdbench.logged import curves_of
from hdbench.report.curves import draw_curves
from hdbench.report.geometry import Packed, pack_clouds, pack_meshes, read_glb
from hdbench.report.page import Cost, Gallery, Picture, RunSection, Shape, View
from hdbench.store import load_tensors
from hdbench.tables.records import Record

COSTLY = 12  # stages are shown one by one, the others together
TONES = 6  # colours of sets; the first is that of real shapes
WEBP_SIDE, WEBP_QUALITY = 16_383, 85  # the longest side that the format has; visually lossless for renderings and plots
IMAGES = {".png": "image/png", ".svg": "image/svg+xml"}
CAPTIONS = {
    "trajectory": ("Denoising", "From noise to a shape: what the network predicts at each noise level."),
    "interpolation": ("Interpolation", "Between two fields, and between the noise of two samples."),
    "novelty/plane": ("Novelty and quality", "Distances to the nearest training and to the nearest test shape."),
    "novelty/neighbours": ("Nearest training shapes", "Samples, and the training shapes nearest to them."),
    "gallery": ("Samples", "The first of each set, not chosen."),
    "reference": ("Reference rows", "What stands between the data and the samples."),
}


def section(record: Record, table: str, up: str, shown: int) -> tuple[RunSection, list[Shape]]:
    """The section of one run and its shapes, the first ``shown`` of each set; ``table`` is markup; ``up`` the shapes' axis."""
    anchor = re.sub(r"[^a-zA-Z0-9-]+", "-", record.name)
    shapes: list[Shape] = []
    galleries = list(_galleries(record, anchor, up, shown, shapes))
    costs = costs_of(record)
    return RunSection(
        anchor=anchor,
        title=f"{record.data.label}, {record.preset}, seed {', '.join(map(str, record.seeds))}",
        about=f"{record.name}: {record.data.counts[0]} training and {record.data.counts[2]} test shapes, preset {record.preset}, "
        f"protocol {record.content['protocol']['name']}.",
        command=record.command,
        table=Markup(table),  # noqa: S704 (written by hdbench.tables, which escapes)
        galleries=galleries,
        pictures=list(pictures_of(record.folder)),
        curves=Markup(draw_curves(curves_of(record))),  # noqa: S704 (written by matplotlib)
        costs=costs,
        cost_note=f"{sum(cost.seconds for cost in costs) / 60:.1f} CPU minutes in all, on {_machine(record)}. "
        f"A stage that was taken from the store cost what it cost when it was computed.",
        failures=list(failures_of(record)),
        circumstances=list(_circumstances(record)),
    ), shapes


# ---------------------------------------------------------------------------------------------------------------- shapes


def _galleries(record: Record, anchor: str, up: str, shown: int, shapes: list[Shape]) -> Iterator[Gallery]:
    """Test shapes first, then every method that has samples in the folder."""
    titles = {row["method"]: row["title"] for row in record.rows if row["origin"] == "ours"}
    sets = {"reference": f"Test shapes ({record.data.label})", **titles}
    for tone, (name, title) in enumerate(sets.items()):
        views = []
        for number, (packed, axis) in enumerate(_packed(record.folder, name, up, shown)):
            key = f"shape-{anchor}-{name}-{number}"
            shapes.append(Shape(key, packed, axis, tone % TONES))
            views.append(View(key, f"{title}, number {number + 1}", str(number + 1), packed.frames))
        if views:
            yield Gallery(title, views)


def _packed(folder: Path, name: str, up: str, shown: int) -> Iterator[tuple[Packed, str]]:
    """Meshes where there are any (GLB is y up), otherwise clouds."""
    meshes = sorted((folder / "samples" / name).glob("*.glb"))[:shown]
    for path in meshes:
        frames = read_glb(path)
        if frames:
            yield pack_meshes(frames), "y"
    clouds = folder / "clouds" / f"{name}.safetensors"
    if not meshes and clouds.is_file():
        tensor = load_tensors(clouds)["clouds"]
        drawn = (tensor[0] if tensor.dim() == 5 else tensor)[:shown]  # the first draw [g, t, q, 3]
        for cloud in drawn:
            if cloud.isfinite().all():
                yield pack_clouds(cloud.numpy()), up


# -------------------------------------------------------------------------------------------------------------- pictures


def pictures_of(folder: Path) -> Iterator[Picture]:
    """The pictures of a run folder that have a caption here, in its order."""
    for name, (title, caption) in CAPTIONS.items():
        for path in sorted(p for p in folder.glob(f"{name}*") if p.suffix in IMAGES):
            rest = path.stem.removeprefix(name.rpartition("/")[2]).strip("-_ ")
            yield Picture(f"{title}: {rest}" if rest else title, caption, data_uri(path))


def data_uri(path: Path) -> str:
    """The image as text, a PNG as WebP, in a fifth of the bytes. It goes into an ``img``, where no script of it would run."""
    kind, data = IMAGES[path.suffix], path.read_bytes()
    if kind == "image/png":
        kind, data = "image/webp", _as_webp(path)
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _as_webp(path: Path) -> bytes:
    """The picture, smaller where it is larger than the format allows."""
    from PIL import Image

    with Image.open(path) as image:
        image.thumbnail((WEBP_SIDE, WEBP_SIDE))
        data = io.BytesIO()
        image.convert("RGB").save(data, "WEBP", quality=WEBP_QUALITY)
    return data.getvalue()


# ----------------------------------------------------------------------------------------------------------- what it cost


def costs_of(record: Record) -> list[Cost]:
    """The costliest stages, and the others together."""
    stages = sorted(record.stages, key=lambda stage: -float(stage["cpu_seconds"]))
    longest = max((float(stage["cpu_seconds"]) for stage in stages), default=0.0) or 1.0
    named = [_cost(stage["label"], [stage], longest) for stage in stages[:COSTLY]]
    rest = stages[COSTLY:]
    return [*named, _cost(f"{len(rest)} other stages", rest, longest)] if rest else named


def _cost(label: str, stages: list[dict], longest: float) -> Cost:
    seconds = sum(float(stage["cpu_seconds"]) for stage in stages)
    peak = max(float(stage.get("peak_memory_gib") or 0) for stage in stages)
    return Cost(label, seconds, min(1.0, seconds / longest), peak)


def failures_of(record: Record) -> Iterator[str]:
    """Rows without numbers, samples without a surface, shapes that were left out, and what was odd about others."""
    for row in record.rows:
        if row.get("failure"):
            yield f"{row['title']}: {row['failure']}"
        elif row.get("empty"):
            yield f"{row['title']}: {row['empty']} of {row['requested']} samples have no surface."
    left_out = record.content["data"].get("left_out", [])
    yield from _some([item["reason"] if isinstance(item, dict) else str(item) for item in left_out], "shapes were left out")
    yield from _some([str(note) for note in record.content["data"].get("notes", [])], "notes on shapes")


def _some(reasons: list[str], what: str, shown: int = 5) -> Iterable[str]:
    more = [f"... and {len(reasons) - shown} more ({len(reasons)} {what})."] if len(reasons) > shown else []
    return [*reasons[:shown], *more]


def _machine(record: Record) -> str:
    machine = record.content.get("machine", {})
    return f"{machine.get('processor', 'an unknown processor')}, {machine.get('cores', '?')} cores"


def _circumstances(record: Record) -> Iterator[tuple[str, str]]:
    content = record.content
    yield "written", str(content.get("written", ""))
    yield "identity", str(content.get("identity", ""))
    yield "commit", str((content.get("git") or {}).get("commit", "unknown"))
    yield "device", str(content.get("device", ""))
    yield "machine", ", ".join(f"{k} {v}" for k, v in content.get("machine", {}).items() if v is not None)
    yield "libraries", ", ".join(f"{k} {v}" for k, v in content.get("libraries", {}).items())
    yield "protocol", f"{content['protocol']['hash']}: {content['protocol']['sentence']}"
