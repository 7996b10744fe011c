"""``hdbench export``: the meshes of a run in other formats."""

from __future__ import annotations

from pathlib import Path

import click

from hdbench.hookspecs import hookimpl


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [export]


@click.command(epilog="The first draw of every method is exported. A sample without a surface has no file; it is counted.")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--format", "form", type=click.Choice(["glb", "obj", "ply"]), default="glb", show_default=True,
              help="GLB is one file per sample, animated if it moves; OBJ and PLY are one per frame.")  # fmt: skip
@click.option("--row", "title", metavar="NAME", help="Export this method, by its title or name.  [default: all]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Where to.  [default: RUN/export]")
def export(run: Path, form: str, title: str | None, out: Path | None) -> None:
    """Write the meshes that a run has sampled as GLB, OBJ or PLY files."""
    from hdbench.exporting import export as write
    from hdbench.tables.records import read_record

    record = read_record(run)
    for row in write(record, form, out or record.folder / "export", title):
        empty = f"; {row.empty} without a surface" if row.empty else ""
        click.echo(f"{row.title}: {row.samples} samples in {row.folder}{empty}")
