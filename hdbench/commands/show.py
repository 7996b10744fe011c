"""``hdbench show``: what is in a run folder."""

from __future__ import annotations

from pathlib import Path

import click

from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [show]


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--all-metrics", is_flag=True, help="A column for every metric, not only those of every table.")
@click.pass_obj
def show(registry: Registry, run: Path, all_metrics: bool) -> None:
    """Print how a run came about, its table, where its pictures are, and what its stages cost."""
    from hdbench.commands.table import put
    from hdbench.tables.collect import of_one_run
    from hdbench.tables.records import read_record
    from hdbench.tables.shown import about, files, timings

    record = read_record(run)
    _section("", about(record))
    written = record.folder / "table.txt"
    if record.kind == "ablation" and written.is_file():
        click.echo(written.read_text(encoding="utf-8"), nl=False)
    elif any(row["score"] for row in record.rows):
        put(of_one_run(record, [] if all_metrics else registry.metrics("table")), "text", None)
    _section("\nFiles", files(record))
    _section("\nStages", timings(record))


def _section(heading: str, lines: list[str]) -> None:
    click.echo("\n".join([*([heading] if heading else []), *lines, *([] if heading else [""])]))
