"""A run folder in words: how it came about, where its pictures are, and what its stages cost."""

from __future__ import annotations

from collections.abc import Iterator

from hdbench.tables.records import Record

FILES = {
    "gallery.png": "samples",
    "reference.png": "reference rows",
    "trajectory.png": "from noise to samples, as predicted on the way",
    "interpolation.png": "between two fields, and between two samples",
    "samples": "meshes (GLB)",
    "clouds": "clouds that were scored",
    "novelty": "nearest training shapes",
    "table.md": "the table as Markdown (also .txt, .csv, .json)",
    "run.json": "everything else",
}


def about(record: Record) -> list[str]:
    """How it came about, in lines."""
    content = record.content
    machine, git = content.get("machine", {}), content.get("git") or {}
    modified = " with changes that are not committed" if git.get("modified") else ""
    train, val, test = record.data.counts
    return [
        f"{record.kind} {record.folder}",
        f"command    {record.command}",
        f"shapes     {record.data.label}: {train} train, {val} validation, {test} test"
        + (f", {record.data.frames} frames" if record.data.frames > 1 else ""),
        f"settings   preset {record.preset}, seed {', '.join(map(str, record.seeds))}",
        f"made       {content.get('written', '?')} on {content.get('device', '?')}, {machine.get('processor', '?')}, "
        f"{machine.get('cores', '?')} cores; code {str(git.get('commit') or 'not in git')[:12]}{modified}",
    ]


def files(record: Record) -> list[str]:
    """Paths that exist, and what they hold."""
    found = [(record.folder / name, what) for name, what in FILES.items() if (record.folder / name).exists()]
    width = max(len(str(path)) for path, _ in found)
    return [f"{path!s:{width}}  {what}" for path, what in found]


def timings(record: Record) -> list[str]:
    """A line per stage that took time, those that took most first, and the sum. Of an ablation equal labels are added up."""
    rows = sorted(_stages(record), key=lambda row: -row[1])
    shown = [row for row in rows if row[1] >= 0.05]
    width = max((len(label) for label, *_ in shown), default=0)
    total = sum(cpu for _, cpu, *_ in rows)
    lines = [
        f"{label:{width}}  {cpu:8.1f} s CPU  {wall:8.1f} s  {peak:5.2f} GiB  {note}".rstrip()
        for label, cpu, wall, peak, note in shown
    ]
    return [*lines, f"{'all stages':{width}}  {total:8.1f} s CPU"]


def _stages(record: Record) -> Iterator[tuple[str, float, float, float, str]]:
    """(label, CPU seconds, seconds, peak memory, note) of every stage, each counted once."""
    by_label: dict[str, dict[str, dict]] = {}
    for stage in record.stages:
        by_label.setdefault(stage["label"], {})[stage["stage"]] = stage
    for label, stages in by_label.items():
        parts = list(stages.values())
        computed = any(stage.get("computed") for stage in record.stages if stage["label"] == label)
        resumed = any(stage.get("resumed") for stage in parts)
        note = "" if computed else "computed before"
        yield (
            label,
            sum(stage.get("cpu_seconds") or 0.0 for stage in parts),
            sum(stage.get("seconds") or 0.0 for stage in parts),
            max(stage.get("peak_memory_gib") or 0.0 for stage in parts),
            "taken up again: times are of a part" if resumed else note,
        )
