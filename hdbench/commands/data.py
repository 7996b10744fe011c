"""``hdbench data check``: what lies in a folder, before hours are spent on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from rich.console import Console

    from hdbench.data.looking import Looked
    from hdbench.data.report import Report

WIDTH = 100  # columns where nobody says how many there are


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [data]


@click.group()
def data() -> None:
    """Look at data sets on disk."""


@data.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--all", "every", is_flag=True, help="Read every shape, instead of as many as a few seconds allow.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(registry: Registry, path: Path, every: bool, as_json: bool) -> None:
    """Say what DIR holds, how to use it, and what is wrong with it; exit code 1 when it cannot be used.

    Knows ShapeNet v1 and v2, HyperDiffusion's folders, PointFlow's PC15k, DPC's HDF5, DeformingThings4D, folders of meshes, of
    animations and of clouds, and what installed plugins read. Files of a split are compared with each other: copies are leaks.
    """
    from hdbench.data.checking import check as checked
    from hdbench.progress import Reporter

    with Reporter() as reporter, reporter.stage("read shapes", 1, 0) as move:
        report = checked(registry, path.expanduser(), every, lambda done, total: move(done / total))
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    else:
        _print(report)
    if report.problems:
        raise SystemExit(1)


def _print(report: Report) -> None:
    console = _console()
    console.print(report.path, style="bold")
    if len(report.seen) == 1:
        _print_one(console, report)
    elif report.seen:
        _print_many(console, report)
    for problem in report.problems:
        console.print(f"✗ {problem}", style="red")
    for remark in report.remarks:
        console.print(f"• {remark}")
    if report.use:
        head = "Look closer at one:" if len(report.seen) > 1 else "Once that is mended:" if report.problems else "Use it:"
        console.print(f"{chr(10) if report.remarks or report.problems else ''}{head}", style="bold")
    for line in report.use:
        click.echo(f"  {line}")


def _print_one(console: Console, report: Report) -> None:
    """The layout, the parts, and figures of the shapes looked at."""
    [seen] = report.seen
    console.print(f"{seen.sighting.layout}", style="cyan")
    console.print(f"{seen.sighting.title}: {seen.sighting.count} shapes, {seen.cls.holds}, {seen.cls.up} is up", end="\n\n")
    if report.parts:
        how = "as the data prescribe" if report.prescribed else "as a run would split it"
        console.print("  " + ", ".join(f"{count} {part}" for part, count in report.parts.items()) + f" ({how})")
    looked = report.looked
    if looked is None:
        return
    every = "" if looked.count == report.of else "; --all looks at every one"
    console.print(f"  looked at {looked.count} of {report.of}{every}: {looked.usable} can be used")
    if looked.usable:
        console.print(_figures(looked))
    for kind, times in looked.mended.most_common(6):
        console.print(f"  {times} x {kind}", style="dim")
    console.print()


def _figures(looked: Looked) -> object:
    from rich import box
    from rich.table import Table

    from hdbench.data.report import figures, watertight

    table = Table(box=box.SIMPLE_HEAD, pad_edge=True)
    table.add_column("")
    for column in ("least", "median", "most"):
        table.add_column(column, justify="right")
    for name, values in figures(looked).items():
        table.add_row(name, *(f"{value:,.0f}" if value == int(value) else f"{value:.3g}" for value in values))
    share = watertight(looked)
    if share is not None:
        table.add_row("watertight", "", f"{100 * share:.0f} %", "")
    return table


def _print_many(console: Console, report: Report) -> None:
    """A line for each data set."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("what", "shapes", "layout", "use"):
        table.add_column(column, justify="right" if column == "shapes" else "left", overflow="fold")
    for seen in report.seen:
        table.add_row(seen.sighting.title, f"{seen.sighting.count:,}", seen.sighting.layout, f"--data {seen.data}")
    console.print(table)


def _console() -> Console:
    """A console of the terminal's width; of WIDTH columns where the output goes elsewhere and nobody says how many."""
    import os

    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, markup=False, width=WIDTH)
