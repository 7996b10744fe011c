"""``hdbench report``: run folders as one HTML file that opens offline."""

from __future__ import annotations

from pathlib import Path

import click

from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

MEGABYTE = 1e6


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [report]


@click.command(epilog="The file asks nothing of the network: it can be mailed, archived and opened anywhere.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--html", "file", type=click.Path(path_type=Path, dir_okay=False), default=Path("report.html"), show_default=True,
              help="Where to write it.")  # fmt: skip
@click.option("--title", default="hdbench report", show_default=True, help="What it is called.")
@click.option("--shapes", "shown", type=click.IntRange(0, 64), default=8, show_default=True, help="Shapes of each set to turn.")
@click.option("--flat", is_flag=True, help="Pictures alone: no shapes to turn, no script.")
@click.pass_obj
def report(registry: Registry, folders: tuple[Path, ...], file: Path, title: str, shown: int, flat: bool) -> None:
    """Write tables, shapes to turn, pictures, training curves, costs and failures of runs into one HTML file."""
    from hdbench.report.write import write_report

    size = write_report(folders, file, registry, title=title, shown=shown, turnable=not flat)
    click.echo(f"Written to {file} ({size / MEGABYTE:.1f} MB).")
