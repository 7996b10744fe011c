"""``hdbench run``: the main job, from shapes to a table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdbench.errors import HdbenchError
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from hdbench.device import Choice
    from hdbench.engine import Engine
    from hdbench.flow import Outcome, Result
    from hdbench.plan import Plan
    from hdbench.tables.table import Column, Row, Table


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [run]


@click.command(epilog="Stop it with Ctrl-C at any time: the same command goes on from there. Nothing is computed twice.")
@click.option(
    "--method", "methods", multiple=True, metavar="NAME", help="A method to run, such as hyperdiffusion; may be repeated."
)
@click.option("--baseline", "baselines", multiple=True, metavar="NAME", help="A method to compare with; may be repeated.")
@click.option("--data", default="airplane", show_default=True, metavar="NAME[:PATH]",
              help="The shapes: airplane, car or chair (embedded), meshes:DIR (a folder of yours), or a plugin's.")  # fmt: skip
@click.option("--preset", metavar="NAME", help="tiny (minutes on a CPU), small (a GPU), paper (the released settings).")
@click.option(
    "--protocol", default="strict", show_default=True, metavar="NAME", help="How numbers are made: strict or hyperdiffusion."
)
@click.option(
    "--config", "files", multiple=True, type=click.Path(path_type=Path), help="A TOML file of settings; may be repeated."
)
@click.option(
    "-o", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting, such as -o init=random; may be repeated."
)
@click.option("--seed", type=int, help="The seed of everything; short for -o run.seed=N.")
@click.option("--strict", is_flag=True, help="Refuse shapes that cannot be used, instead of leaving them out and counting them.")
@click.option("--reference-rows", is_flag=True,
              help="Also print reconstruction, weight-space Gaussian and interpolation rows.")  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders and the store go."
)
@click.option("--workers", type=click.IntRange(1, 512), help="Worker processes.  [default: one per core]")
@click.option("--device", metavar="NAME", help="cpu or cuda.  [default: cuda if there is one]")
@click.option("--show-config", is_flag=True, help="Print all settings and stop.")
@click.pass_obj
def run(
    registry: Registry, methods: tuple[str, ...], baselines: tuple[str, ...], data: str, preset: str | None, protocol: str,
    files: tuple[Path, ...], overrides: tuple[str, ...], seed: int | None, strict: bool, reference_rows: bool, out: Path,
    workers: int | None, device: str | None, show_config: bool,
) -> None:  # fmt: skip
    """Fit, train, sample, mesh and score methods on the same shapes, and print the table."""
    from hdbench.config import read_toml
    from hdbench.device import choose
    from hdbench.plan import make_plan

    choice = choose(device, preset)
    chosen = tuple(dict.fromkeys(methods + baselines))
    if not chosen:
        known = ", ".join(registry.names("recipe") + registry.names("baseline"))
        raise HdbenchError(f"Name a method to run with --method or --baseline. Known: {known}.")
    flags = (() if seed is None else (f"run.seed={seed}",)) + (("data.strict=true",) if strict else ())
    plan = make_plan(registry, chosen, preset=choice.preset, data=data, protocol=protocol,
                     tables=tuple(read_toml(path) for path in files), overrides=overrides + flags)  # fmt: skip
    if show_config:
        import tomli_w

        from hdbench.runs import plain_config

        click.echo(tomli_w.dumps(plain_config(plan)))
        return
    _carry_out(plan, choice, out, workers or os.cpu_count() or 1, reference_rows)


def _carry_out(plan: Plan, choice: Choice, out: Path, workers: int, reference_rows: bool) -> None:
    """Run the plan, write the run folder, print what a user wants to see."""
    from hdbench.engine import Engine
    from hdbench.flow import run as run_flow
    from hdbench.progress import Reporter
    from hdbench.runs import open_run
    from hdbench.store import Store
    from hdbench.workers import Workers

    folder = out / plan.name
    store = Store(out / "store")
    open_run(folder, plan)
    click.echo(
        f"hdbench: {', '.join(plan.titles.values())} on {plan.data.source}; {choice.sentence}; seed {plan.run.seed}", err=True
    )
    with Workers(workers) as pool, Reporter() as reporter:
        engine = Engine(store, pool, reporter, plan.run.seed, choice.device, plan.run.threads)
        result = run_flow(plan, engine, reference_rows)
        with reporter.stage("write the run folder", 1, 0):
            table = _write(folder, plan, result, engine, choice)
    _show(folder, plan, result, table)
    failed = [outcome for outcome in result.outcomes if outcome.failure]
    if failed:
        raise HdbenchError(f"{failed[0].title} failed: {failed[0].failure}")


def _write(folder: Path, plan: Plan, result: Result, engine: Engine, choice: Choice) -> Table | None:
    from hdbench.novelty.of_run import write_novelty
    from hdbench.runs import write_clouds, write_meshes, write_pictures, write_record, write_table

    table = table_of(plan, result)
    if table is not None:
        write_table(folder, table)
    write_record(folder, plan, result, engine.records, choice.device, write_novelty(folder, plan, result))
    write_pictures(folder, plan, result)
    write_meshes(folder, plan, result)
    write_clouds(folder, result)
    return table


def table_of(plan: Plan, result: Result) -> Table | None:
    """The rows of a run in the form of the paper's Table 1, the paper's beside them; None if no row has numbers."""
    from hdbench.scoring.evidence import feature_notes
    from hdbench.scoring.intervals import INTERVAL
    from hdbench.tables.paper import rows_beside
    from hdbench.tables.table import Table

    columns = _columns(plan, result)
    if not columns:
        return None
    rows = [_row(plan, outcome) for outcome in sorted(result.outcomes, key=lambda o: o.origin == "reference")]
    return Table(
        title=f"{_title(plan)}, preset {plan.preset}, seed {plan.run.seed}",
        columns=columns,
        rows=(*rows, *rows_beside(plan.category)),
        protocol=plan.protocol,
        notes=(f"± is {INTERVAL}.", *feature_notes([ref.build() for ref in plan.metrics]), *_not_printed(plan, result)),
    )


def _title(plan: Plan) -> str:
    """The data in a table's head, such as ``airplane`` or ``shapenet airplane``."""
    return plan.data.source if plan.category == plan.data.source else f"{plan.data.source} {plan.category}"


def _columns(plan: Plan, result: Result) -> tuple[Column, ...]:
    """The columns that belong in every table, or all that were asked for by name."""
    from hdbench.scoring.score import score_from

    scores = [score_from(outcome.score) for outcome in result.outcomes if outcome.score]
    every = {column.name: column for score in scores for column in score.columns}
    return tuple(column for column in every.values() if column.metric in plan.printed)


def _not_printed(plan: Plan, result: Result) -> list[str]:
    """Where the other metrics are."""
    others = len(plan.run.metrics) - len(plan.printed)
    return [f"{others} more metrics of every row are in run.json; 'hdbench metrics' says what they measure."] if others else []


def _row(plan: Plan, outcome: Outcome) -> Row:
    from hdbench.runs import provenance_of
    from hdbench.scoring.score import row_of, score_from
    from hdbench.tables.table import Row

    category, section = f"{plan.data.source} ({plan.preset})", "reference" if outcome.origin == "reference" else "methods"
    if outcome.score is None:
        return Row(
            title=outcome.title, category=category, values={}, origin="not run", note=outcome.failure or "", section=section
        )
    note = " ".join(filter(None, (provenance_of(outcome, plan), outcome.note)))
    about = {"category": category, "section": section, "note": note}
    return row_of(outcome.title, score_from(outcome.score), **about)


def _show(folder: Path, plan: Plan, result: Result, table: Table | None) -> None:
    """The table on stdout, and beside it where everything is and what to do next."""
    from rich.console import Console

    from hdbench.runs import summary, table_digest
    from hdbench.tables.table import to_plain, to_rich

    click.echo(summary(result.data), err=True)
    console = Console()
    if table and console.is_terminal:
        console.print(to_rich(table))
    elif table:
        click.echo(to_plain(table))
    click.echo(f"table digest {table_digest(result)[:16]}; run folder {folder}", err=True)
    click.echo(
        f"Look at {folder / 'gallery.png'}, at the meshes in {folder / 'samples'}, and at what is new in {folder / 'novelty'}.",
        err=True,
    )
    click.echo(
        "Next: '--reference-rows', another '--seed', '-o KEY=VALUE' ('--show-config' lists all), '--data meshes:DIR'.", err=True
    )
