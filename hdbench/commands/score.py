"""``hdbench score``: samples of any model, from files, against reference shapes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdbench.errors import HdbenchError, unknown
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from hdbench.interfaces import Metric
    from hdbench.loading.sources import Job
    from hdbench.protocol import Protocol
    from hdbench.scoring.sets import Settings
    from hdbench.tables.table import Table

FORMS = ("plain", "markdown", "csv", "json")
EPILOG = """\b
Files: .npz, .npy, .safetensors, .pt, .pth with clouds [n, q, 3] or [n, t, q, 3] (PATH:NAME names an array).
Folders: a mesh or a cloud per file, sub-folders of frames for sequences; run folders of 'hdbench run'.
Data sets: as '--data' of 'hdbench run' takes them, with the part: pc15k:DIR/airplane/test, hdf5:FILE/airplane/test.
Nothing is unpickled. What is odd about the shapes is counted and said."""


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [score]


@click.command(epilog=EPILOG)
@click.option("--generated", "-g", multiple=True, metavar="[TITLE=]PATH",
              help="Generated shapes; repeat it for more rows, or with the same TITLE for more draws of one.")  # fmt: skip
@click.option("--reference", "-r", metavar="PATH", help="The shapes to compare with.  [default: those of the run]")
@click.option(
    "--train", metavar="PATH", help="The shapes that the generator learned from: for novelty.  [default: those of the run]"
)
@click.option("--protocol", default="strict", show_default=True, metavar="NAME",
              help="How numbers are made: strict; or as released by hyperdiffusion, pointflow, pvd, dpc, lion.")  # fmt: skip
@click.option("--config", "files", multiple=True, type=click.Path(path_type=Path), help="A TOML file with a table [protocol].")
@click.option("-o", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the protocol, such as -o points=1024.")
@click.option("--metric", "names", multiple=True, metavar="NAME", help="Compute this metric only; may be repeated.")
@click.option("--reference-rows", "controls", is_flag=True,
              help="Also print rows that say what numbers mean: training shapes, one shape repeated, ...")  # fmt: skip
@click.option("--no-intervals", is_flag=True, help="Values alone, much sooner: distances that are nobody's nearest are skipped.")
@click.option("--frames", type=click.IntRange(1, 10_000), help="Frames per shape in folders: 1 reads a shape from each file.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the points that are taken of each shape.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads for distances.  [default: one per core]")
@click.option("--device", metavar="NAME", help="cpu or cuda.  [default: cuda if there is one]")
@click.option("--format", "form", metavar="NAME", help=f"What to print: {', '.join(FORMS)}.  [default: plain]")
@click.option("--json", "record", type=click.Path(path_type=Path, dir_okay=False),
              help="Write all numbers here: intervals, protocol, inputs, versions; with --train, every sample's neighbours, and "
                   "pictures of them in a folder beside it.")  # fmt: skip
@click.pass_obj
def score(
    registry: Registry, generated: tuple[str, ...], reference: str | None, train: str | None, protocol: str,
    files: tuple[Path, ...], overrides: tuple[str, ...], names: tuple[str, ...], frames: int | None, seed: int,
    controls: bool, no_intervals: bool, threads: int | None, device: str | None, form: str | None, record: Path | None,
) -> None:  # fmt: skip
    """Score shapes of any origin: every metric, with intervals, under one protocol.

    hdbench score --generated samples.npz --reference ref.npz --train train.npz
    """
    from hdbench.device import choose
    from hdbench.loading.sources import find_job
    from hdbench.scoring.sets import Settings

    if form is not None and form not in FORMS:
        raise unknown("format", form, FORMS)
    if record is not None:
        _refuse_unwritable(record)
    made_by = _protocol(protocol, files, overrides)
    job = find_job(generated, reference, train, protocol=made_by, seed=seed, frames=frames)
    settings = Settings(
        seed=seed, threads=threads, device=choose(device, None).device, intervals=not no_intervals, controls=controls
    )  # fmt: skip
    _carry_out(job, _metrics(registry, names), settings, form, record)


def _carry_out(job: Job, metrics: list[Metric], settings: Settings, form: str | None, record: Path | None) -> None:
    """Read, score, print."""
    from hdbench.loading.inputs import read
    from hdbench.novelty.of_score import folder_beside, write_novelty
    from hdbench.progress import Reporter
    from hdbench.scoring.score_report import record_of, table_of
    from hdbench.scoring.sets import score_rows
    from hdbench.store import write_json

    with Reporter() as reporter:
        sets = read(job, lambda line: click.echo(line, err=True), reporter, with_again=settings.controls)
        scored = score_rows(sets, job.protocol, metrics, settings, reporter)
    if record is not None:
        novelty = write_novelty(folder_beside(record), job, scored)
        write_json(record, record_of(job, sets, scored, metrics, settings.device, novelty))
    _show(table_of(job, sets, scored), form)
    if record is not None and novelty is not None:
        click.echo(f"Look at what is new about each sample in {folder_beside(record)}.", err=True)
    for title, outcome in scored.rows.items():
        if isinstance(outcome, HdbenchError) and title not in scored.controls:
            raise HdbenchError(f"'{title}' has no numbers: {outcome}")


def _show(table: Table, form: str | None) -> None:
    """The table on stdout: metrics beside each other, or below each other where they are many."""
    from rich.console import Console

    from hdbench.scoring.long_table import WIDE, to_long_markdown, to_long_plain, to_long_rich
    from hdbench.tables.table import FORMATS, to_rich

    long, console = sum(1 + len(column.details) for column in table.columns) > WIDE, Console()
    if form is None and console.is_terminal:
        console.print(to_long_rich(table) if long else to_rich(table))
    elif long and form in (None, "plain", "markdown"):
        click.echo(to_long_markdown(table) if form == "markdown" else to_long_plain(table), nl=False)
    else:
        click.echo(FORMATS[form or "plain"](table), nl=False)


def _protocol(name: str, files: tuple[Path, ...], overrides: tuple[str, ...]) -> Protocol:
    """The preset with the settings of files and of ``KEY=VALUE`` in its place."""
    from hdbench.config import from_dict, override, read_toml
    from hdbench.protocol import preset

    settings: dict[str, Protocol] = {"protocol": preset(name)}
    for path in files:
        settings = from_dict(settings, read_toml(path))
    return override(settings["protocol"], tuple(text.removeprefix("protocol.") for text in overrides))


def _metrics(registry: Registry, names: tuple[str, ...]) -> list[Metric]:
    """The metrics of these names; all but those that must be asked for, when there are none."""
    chosen = list(dict.fromkeys(names)) or registry.metrics("table") + registry.metrics("score")
    classes = [registry.resolve("metric", name) for name in chosen]
    return [cls(cls.Config()) for cls in classes]


def _refuse_unwritable(path: Path) -> None:
    """Before the first expensive second."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise HdbenchError(f"'{path}' cannot be written: '{folder}' is not a folder that you may write to. Choose another place.")
