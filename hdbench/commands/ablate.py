"""``hdbench ablate``: one setting changed at a time, over several seeds, against the default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdbench.errors import HdbenchError
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from hdbench.ablation.cases import Ablation, Case
    from hdbench.ablation.estimate import Planned
    from hdbench.device import Choice
    from hdbench.engine import Engine
    from hdbench.plan import Plan


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [ablate]


@click.command(epilog="What does not depend on a change is computed once. Stop it with Ctrl-C: the same command goes on.")
@click.argument("assignments", nargs=-1, metavar="KEY=VALUE[,VALUE]...")
@click.option(
    "--method", default="hyperdiffusion", show_default=True, metavar="NAME", help="The method whose setting is changed."
)
@click.option("--data", default="airplane", show_default=True, metavar="NAME[:PATH]", help="The shapes, as in 'hdbench run'.")
@click.option("--preset", metavar="NAME", help="tiny, small or paper.  [default: tiny on a CPU, small on a GPU]")
@click.option("--protocol", default="strict", show_default=True, metavar="NAME", help="How numbers are made.")
@click.option("-o", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a setting of all cases; may be repeated.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Trainings of each case.")
@click.option("--grid", is_flag=True, help="All combinations of all keys, instead of one change at a time.")
@click.option("--dry-run", is_flag=True, help="Say what would be computed and how long that takes, and stop.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where folders go.")
@click.option("--workers", type=click.IntRange(1, 512), help="Worker processes.  [default: one per core]")
@click.option("--device", metavar="NAME", help="cpu or cuda.  [default: cuda if there is one]")
@click.pass_obj
def ablate(
    registry: Registry, assignments: tuple[str, ...], method: str, data: str, preset: str | None, protocol: str,
    overrides: tuple[str, ...], seeds: int, grid: bool, dry_run: bool, out: Path, workers: int | None, device: str | None,
) -> None:  # fmt: skip
    """Run a method with one setting changed at a time, over several seeds, and print rows and differences.

    hdbench ablate init=first,random        hdbench ablate pe=none training.steps=300,600 --seeds 5
    """
    from hdbench.ablation.cases import cases
    from hdbench.device import choose
    from hdbench.plan import make_plan

    if not assignments:
        raise HdbenchError(
            "Name what to change, such as 'hdbench ablate init=random'. 'hdbench run --show-config' lists settings."
        )
    choice = choose(device, preset)

    def plan(*changes: str) -> Plan:
        return make_plan(registry, (method,), preset=choice.preset, data=data, protocol=protocol,
                         overrides=("run.draws=1", *overrides, *changes))  # fmt: skip

    chosen = cases(plan().settings, assignments, grid)
    plans = {case.title: [plan(*case.changes, f"run.seed={seed}") for seed in range(seeds)] for case in chosen}
    count = workers or os.cpu_count() or 1
    if dry_run:
        _say_cost(plans, method, choice, out, count)
    else:
        _carry_out(plans, chosen, method, choice, out, count)


def _carry_out(plans: dict[str, list[Plan]], cases: list[Case], method: str, choice: Choice, out: Path, workers: int) -> None:
    from hdbench.ablation.cases import run_ablation
    from hdbench.ablation.report import folder_of, write
    from hdbench.engine import Engine
    from hdbench.progress import Reporter
    from hdbench.store import Store
    from hdbench.workers import Workers

    records: list[dict[str, Any]] = []
    seeds = len(next(iter(plans.values())))
    click.echo(f"hdbench: {len(plans)} cases of {method}, {seeds} seeds each; {choice.sentence}", err=True)
    with Workers(workers) as pool, Reporter() as reporter:
        store = Store(out / "store")

        def engine_for(plan: Plan, title: str) -> Engine:
            return Engine(store, pool, reporter, plan.run.seed, choice.device, plan.run.threads, records)

        ablation = run_ablation(plans, engine_for, method, pool)
    folder = out / folder_of(plans)
    table = write(folder, plans, cases, ablation, records, choice.device)
    _show(folder, table, ablation)


def _show(folder: Path, table: Any, ablation: Ablation) -> None:
    from rich.console import Console

    from hdbench.tables.table import to_plain, to_rich

    console = Console()
    if table is not None and console.is_terminal:
        console.print(to_rich(table))
    elif table is not None:
        click.echo(to_plain(table), nl=False)
    click.echo(f"Folder {folder}; look at {folder / 'gallery.png'}.", err=True)
    failed = [outcome for outcome in ablation.outcomes.values() if outcome.failure]
    if failed:
        raise HdbenchError(f"{failed[0].title} failed: {failed[0].failure}")


def _say_cost(plans: dict[str, list[Plan]], method: str, choice: Choice, out: Path, workers: int) -> None:
    """What would be computed. The shapes are looked at, if that was not done before: all else depends on which can be used."""
    from hdbench.ablation.cases import DEFAULT, run_ablation
    from hdbench.ablation.estimate import DryEngine, in_words
    from hdbench.engine import Engine
    from hdbench.flow import survey
    from hdbench.progress import Reporter
    from hdbench.store import Store
    from hdbench.workers import Workers

    planned: dict[str, dict[str, Planned]] = {title: {} for title in plans}
    shared: dict[str, Planned] = {}
    first = plans[DEFAULT][0]
    with Workers(workers) as pool, Reporter() as reporter:
        store = Store(out / "store")
        survey(first, Engine(store, pool, reporter, first.run.seed, choice.device, first.run.threads))

        def engine_for(plan: Plan, title: str) -> Engine:
            return DryEngine(store, pool, Reporter(quiet=True), plan.run.seed, choice.device, plan.run.threads, planned=shared)

        for title, seeds in plans.items():
            before = set(shared)
            run_ablation({title: seeds}, engine_for, method, pool)
            planned[title] = {name: what for name, what in shared.items() if name not in before}
    for title, stages in planned.items():
        click.echo(in_words(title, stages.values()))
    click.echo(in_words("all", shared.values(), workers))
