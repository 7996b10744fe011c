"""``hdbench table``: the paper's tables from what has been run, the paper's numbers beside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from hdbench.tables.rows import Table

FORMATS = {"text": "plain", "md": "markdown", "latex": "latex", "csv": "csv", "html": "html", "json": "json"}


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [table]


@click.command(epilog="Tables 1 and 2 read runs, 3 and 4 read ablations. What was not run stands in the table with its command.")
@click.argument("number", type=click.IntRange(1, 4), metavar="1|2|3|4")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
              help="Where run folders are looked for, if none is named.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True,
              help="LaTeX needs booktabs and graphicx; HTML is a fragment that any page can hold.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of printing.")
@click.option("--protocol", metavar="NAME|HASH", help="Take the runs of this protocol, where there are several.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="A further column, such as jsd; may be repeated.")
@click.option("--reference-rows", is_flag=True, help="All reference rows, not the oracle alone.")
@click.pass_obj
def table(
    registry: Registry, number: int, folders: tuple[Path, ...], runs: Path, form: str, out: Path | None, protocol: str | None,
    metrics: tuple[str, ...], reference_rows: bool,
) -> None:  # fmt: skip
    """Print Table 1 (methods, 3D), 2 (4D), 3 (initialisation) or 4 (positional encoding) of the paper, from your runs.

    Runs of one configuration that differ in the seed alone are merged. Runs of different protocols never share a table.
    """
    from hdbench.tables.collect import paper_table

    found = paper_table(number, folders, runs, registry, protocol=protocol, metrics=metrics, reference_rows=reference_rows)
    put(found, form, out)


def put(table: Table, form: str, out: Path | None) -> None:
    """Print a table, in colour on a terminal, or write it to a file."""
    from rich.console import Console

    from hdbench.store import write_atomically
    from hdbench.tables.formats import FORMATS as WRITERS
    from hdbench.tables.text import to_rich

    console = Console()
    if out is not None:
        write_atomically(out, WRITERS[FORMATS[form]](table).encode())
        click.echo(f"Written to {out}.", err=True)
    elif form == "text" and console.is_terminal:
        console.print(to_rich(table))
    else:
        click.echo(WRITERS[FORMATS[form]](table), nl=False)
