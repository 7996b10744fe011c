"""``hdbench check``: whether a run is worse than a reference beyond the noise of both, for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdbench.errors import HdbenchError
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from hdbench.gate.lines import Verdict

FILE: Any = click.Path(path_type=Path, dir_okay=False)
WORKFLOWS = {"github": "github.yml"}


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [check]


@click.command(epilog="Exit code 0: no worse; 1: worse; 2: a mistake, or what does not compare.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--against", type=FILE, help="The reference that the run is held against.")
@click.option("--save", type=FILE, help="Write a reference from these runs (seeds of one configuration) instead.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME",
              help="Gate these metrics.  [default: those of every table, and the share of empty samples]")  # fmt: skip
@click.option("--row", "rows", multiple=True, metavar="TITLE", help="Gate these methods.  [default: all of the reference]")
@click.option("--threshold", "thresholds", multiple=True, metavar="METRIC=VALUE",
              help="Tolerate so much: in the metric's unit, in percent of the reference's value (5%), or 'off'.")  # fmt: skip
@click.option("--alpha", type=click.FloatRange(1e-6, 0.5), default=0.01, show_default=True,
              help="How often a re-seed of an equal generator may fail, over all metrics.")  # fmt: skip
@click.option("--timings", is_flag=True, help="Gate CPU times too, relative to the reference's and to the machine's speed.")
@click.option("--slower", type=click.FloatRange(1.01), default=1.5, show_default=True, help="The ratio from which a stage fails.")
@click.option("--relative-to", default="stages", show_default=True, metavar="WHAT",
              help="The machine's speed: the median of all stages, one stage by its label, or 'calibration'.")  # fmt: skip
@click.option("--calibrate", is_flag=True, help="Measure the speed of this machine, which must be that of the run.")
@click.option("--junit", type=FILE, help="Also write JUnit XML.")
@click.option("--markdown", type=FILE, help="Also write a summary for a comment.")
@click.option("--workflow", type=click.Choice(list(WORKFLOWS)), help="Print a workflow file for your own repository, and stop.")
@click.pass_obj
def check(
    registry: Registry, runs: tuple[Path, ...], against: Path | None, save: Path | None, metrics: tuple[str, ...],
    rows: tuple[str, ...], thresholds: tuple[str, ...], alpha: float, timings: bool, slower: float, relative_to: str,
    calibrate: bool, junit: Path | None, markdown: Path | None, workflow: str | None,
) -> None:  # fmt: skip
    """Fail a run that is worse than a reference by more than the noise of both; a re-seed passes.

    \b
    hdbench check runs/airplane-tiny-* --save reference.json
    hdbench check RUN --against reference.json --junit check.xml --markdown check.md

    A few broken samples barely move MMD, COV and 1-NNA: '--metric mmd-smp-cd' beside them sees these.
    """
    if workflow is not None:
        click.echo(workflow_text(workflow), nl=False)
        return
    from hdbench.gate.run import Options, gate, save_reference

    _refuse_half_a_command(runs, against, save)
    if save is not None:
        save_reference(runs, save, metrics or tuple(registry.metrics("table")), calibrate)
        click.echo(f"Written to {save}. Hold runs against it with: hdbench check RUN --against {save}", err=True)
        return
    assert against is not None
    options = Options(metrics=metrics, rows=rows, thresholds=thresholds, alpha=alpha, timings=timings, slower=slower,
                      relative_to=relative_to, calibrate=calibrate)  # fmt: skip
    _show(gate(runs, against, options), junit, markdown)


def _refuse_half_a_command(runs: tuple[Path, ...], against: Path | None, save: Path | None) -> None:
    if not runs:
        raise HdbenchError("Name a run folder: 'hdbench check RUN --against FILE'. 'hdbench run' writes run folders.")
    if (against is None) == (save is None):
        said = "either --against or --save, not both" if against else "what it is held against (--against FILE), or --save FILE"
        raise HdbenchError(f"Say {said}. 'hdbench check RUN --save FILE' writes a reference.")


def _show(verdict: Verdict, junit: Path | None, markdown: Path | None) -> None:
    """Print the lines, write the files, and end with the exit code."""
    from hdbench.gate.words import to_junit, to_markdown, to_text
    from hdbench.store import write_atomically

    click.echo(to_text(verdict), nl=False)
    for path, text in ((junit, to_junit), (markdown, to_markdown)):
        if path is not None:
            write_atomically(path, text(verdict).encode())
    raise SystemExit(0 if verdict.passed else 1)


def workflow_text(name: str) -> str:
    """The workflow file that is shipped for a kind of CI."""
    from importlib.resources import files

    return files("hdbench.gate").joinpath(WORKFLOWS[name]).read_text(encoding="utf-8")
