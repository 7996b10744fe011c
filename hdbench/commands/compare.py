"""``hdbench compare``: two runs side by side, with their differences."""

from __future__ import annotations

from pathlib import Path

import click

from hdbench.commands.table import FORMATS, put
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [compare]


@click.command(epilog="With the store beside both runs, differences are taken part by part of the test shapes, which sees more.")
@click.argument("first", type=click.Path(path_type=Path), metavar="A")
@click.argument("second", type=click.Path(path_type=Path), metavar="B")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="A further column, such as jsd; may be repeated.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="How to print it.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of printing.")
@click.pass_obj
def compare(registry: Registry, first: Path, second: Path, metrics: tuple[str, ...], form: str, out: Path | None) -> None:
    """Print the rows of two run folders side by side, B minus A where they compare, and what was set differently."""
    from hdbench.tables.compare import comparison
    from hdbench.tables.records import read_record

    tables = comparison(read_record(first), read_record(second), [*registry.metrics("table"), *metrics])
    for number, found in enumerate(tables):
        put(found, form, out if len(tables) == 1 or out is None else out.with_stem(f"{out.stem}-{'AB'[number]}"))
