"""``hdbench metrics``: how each installed metric is to be read, and an audit of what it sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdbench.errors import HdbenchError
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registered, Registry

if TYPE_CHECKING:
    from hdbench.interfaces import Metric
    from hdbench.selftest.report import Audit

WHERE = {"table": "in every table", "score": "in every full score", "asked": "only when asked for"}
WIDTH = 100  # columns where nobody says how many there are
INDENT = 13


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [metrics]


@click.command()
@click.option("--metric", "names", multiple=True, metavar="NAME", help="Only this metric; may be repeated.")
@click.option("--selftest", is_flag=True, help="Check every metric against known answers, and find out what it sees.")
@click.option("--quick", is_flag=True, help="With --selftest: fewer points, and only metrics that are quick; under a minute.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("metrics-selftest"), show_default=True,
              help="With --selftest: where the table, the curves and the picture go.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def metrics(registry: Registry, names: tuple[str, ...], selftest: bool, quick: bool, out: Path, as_json: bool) -> None:
    """List the installed metrics: what they measure, which way is better, what they cost and where they come from.

    With --selftest, take good shapes, make them worse step by step (noise, missing parts, collapse, copies, ...) and say
    which metric sees it, from which strength on, and which one rewards it. Exit code 1 if a metric misses a known answer.
    """
    chosen = _chosen(registry, names)
    if selftest:
        _selftest(registry, chosen, out, quick, bool(names), as_json)
    elif as_json:
        click.echo(json.dumps([_as_record(registry, name) for name in chosen], indent=2, allow_nan=False))
    else:
        _print_list(registry, chosen)


def _chosen(registry: Registry, names: tuple[str, ...]) -> list[str]:
    """The metrics of these names, or all: those of every table first. HdbenchError for a name that does not exist."""
    for name in names:
        registry.find("metric", name)
    order = list(WHERE)
    known = registry.names("metric") if not names else list(dict.fromkeys(names))
    return sorted(known, key=lambda name: order.index(registry.find("metric", name).offer.when)) if not names else known


# ---------------------------------------------------------------------------------------------------------------- list


def _as_record(registry: Registry, name: str) -> dict[str, Any]:
    """What there is to say about a metric; ``problem`` if its class cannot be imported."""
    found = registry.find("metric", name)
    record: dict[str, Any] = {
        "name": name, "summary": found.offer.summary, "source": found.offer.source, "when": found.offer.when,
        "distribution": found.distribution, "version": found.version,
    }  # fmt: skip
    try:
        metric = _built(registry, name)
    except HdbenchError as error:
        return record | {"problem": str(error)}
    low, high = (None if abs(bound) == float("inf") else bound for bound in metric.range)
    return record | {
        "definition": metric.definition, "direction": metric.direction, "target": metric.target, "range": [low, high],
        "unit": metric.unit, "cost": metric.cost, "reads": list(metric.reads), "known_answers": len(metric.vectors()),
    }  # fmt: skip


def _built(registry: Registry, name: str) -> Metric:
    cls = registry.resolve("metric", name)
    return cls(cls.Config())


def _print_list(registry: Registry, names: list[str]) -> None:
    """Per metric: its name, direction, range and unit; what it is; where it is computed, what from, at what cost, by whom."""
    console = _console()
    for name in names:
        console.print(_entry(_as_record(registry, name), registry.find("metric", name)))
    if not names:
        console.print("No metric is installed. 'hdbench plugins' lists what is.")


def _entry(record: dict[str, Any], found: Registered) -> Any:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    origin = f"{record['source']}; {WHERE[record['when']]}, from {found.distribution} {found.version}"
    if "problem" in record:
        details = [Text(record["problem"], style="red"), Text(origin, style="dim")]
        return Group(Text(record["name"], style="bold"), *(Padding(line, (0, 0, 0, INDENT)) for line in details))
    head = Text.assemble((f"{record['name']:<{INDENT - 1}} ", "bold"), (_better(record), "green"), f"   {_range(record)}")
    reads = f"reads {', '.join(record['reads'])}; " if record["reads"] else ""
    details = [Text(record["definition"]), Text(f"{reads}cost: {record['cost']}", style="dim"), Text(origin, style="dim")]
    return Group(head, *(Padding(line, (0, 0, 0, INDENT)) for line in details))


def _better(record: dict[str, Any]) -> str:
    if record["direction"] == "target":
        return f"→ {record['target']:g} is ideal"
    return {"lower": "↓ lower is better", "higher": "↑ higher is better"}[record["direction"]]


def _range(record: dict[str, Any]) -> str:
    """Such as ``0 to 100 %`` or ``0 to ∞, x100``."""
    low, high = ("∞" if bound is None else f"{bound:g}" for bound in record["range"])
    low = "-∞" if low == "∞" else low
    unit = f" {record['unit']}" if record["unit"] == "%" else f", {record['unit']}" if record["unit"] else ""
    return f"{low} to {high}{unit}"


def _console() -> Any:
    """A console of the terminal's width; of WIDTH columns where the output goes elsewhere and nobody says how many."""
    import os

    from rich.console import Console

    console = Console(highlight=False, markup=False)
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, markup=False, width=WIDTH)


# ------------------------------------------------------------------------------------------------------------ self-test


def _selftest(registry: Registry, names: list[str], out: Path, quick: bool, asked: bool, as_json: bool) -> None:
    from hdbench.progress import Reporter
    from hdbench.selftest.run import audit, skipped

    left = {} if asked else skipped(registry, names, quick)
    for why in dict.fromkeys(left.values()):
        click.echo(f"Left out: {', '.join(name for name in left if left[name] == why)} ({why}).", err=True)
    with Reporter() as reporter:
        result = audit(registry, [name for name in names if name not in left], quick, reporter)
    _write(result, out)
    if as_json:
        from hdbench.selftest.report import to_json

        click.echo(to_json(result), nl=False)
    else:
        _show(result)
    click.echo(f"Look at {out / 'curves.png'}; the numbers are in {out / 'curves.csv'} and {out / 'audit.json'}.", err=True)
    if result.failed:
        raise SystemExit(1)


def _write(result: Audit, out: Path) -> None:
    from hdbench.selftest.plot import picture
    from hdbench.selftest.report import to_csv, to_json, to_markdown
    from hdbench.store import write_atomically

    for name, text in (("audit.md", to_markdown(result)), ("curves.csv", to_csv(result)), ("audit.json", to_json(result))):
        write_atomically(out / name, text.encode())
    if result.verdicts:
        write_atomically(out / "curves.png", picture(result))


def _show(result: Audit) -> None:
    from hdbench.selftest.report import to_rich

    console = _console()
    for line in to_rich(result):
        console.print(line, soft_wrap=False)
