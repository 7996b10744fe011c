"""``hdbench metrics``: how each installed metric is to be read, and an audit of what it sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hdbench.errors import HdbenchError
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from rich.text import Text

    from hdbench.interfaces import Metric
    from hdbench.selftest.report import Audit

WHERE = {"table": "In every table", "score": "In every full score", "asked": "Only when asked for by name"}
WIDTH = 100  # columns where nobody says how many there are
NAME, INDENT = 24, 4


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [metrics]


@click.command()
@click.option("--metric", "names", multiple=True, metavar="NAME", help="Only this metric; may be repeated.")
@click.option("--selftest", is_flag=True, help="Check every metric against known answers, and find out what it sees.")
@click.option("--quick", is_flag=True, help="With --selftest: fewer points, and only metrics that are quick; under a minute.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("metrics-selftest"), show_default=True,
              help="With --selftest: where the table, the curves and the picture go.")  # fmt: skip
@click.option("--device", metavar="NAME", help="With --selftest: cpu or cuda.  [default: cuda if there is one]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def metrics(
    registry: Registry, names: tuple[str, ...], selftest: bool, quick: bool, out: Path, device: str | None, as_json: bool
) -> None:  # fmt: skip
    """List the installed metrics: what they measure, which way is better, what they cost and where they come from.

    With --selftest, take good shapes, make them worse step by step (noise, missing parts, collapse, copies, ...) and say
    which metric sees it, from which strength on, and which one rewards it. Exit code 1 if a metric misses a known answer.
    """
    if (quick or device) and not selftest:
        raise HdbenchError("'--quick' and '--device' say how to run the self-test. Add --selftest, or leave them out.")
    chosen = _chosen(registry, names)
    if selftest:
        result = _selftest(registry, chosen, quick, bool(names), device)
        _write(result, out)
        _show(result, out, as_json)
        if result.failed:
            raise SystemExit(1)
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
    """Per metric: its name, direction, range and unit; what it is; its cost, what it is computed from, and who says so."""
    console, records = _console(), [_as_record(registry, name) for name in names]
    for when, heading in WHERE.items():
        group = [record for record in records if record["when"] == when]
        if group:
            console.print(heading, style="bold cyan", end="\n\n")
        for record in group:
            console.print(_entry(record, console.width), end="\n\n")
    if not records:
        console.print("No metric is installed. 'hdbench plugins' lists what is.")


def _entry(record: dict[str, Any], width: int) -> Text:
    """A few lines, wrapped here: rich would fill them up with blanks."""
    from textwrap import indent, wrap

    from rich.text import Text

    def lines(*parts: str) -> str:
        return "\n" + indent(
            "\n".join(wrap(" · ".join(filter(None, parts)), width - INDENT, break_on_hyphens=False)), " " * INDENT
        )

    origin = f"{record['distribution']} {record['version']}"
    if "problem" in record:
        return Text.assemble((record["name"], "bold"), (lines(record["problem"]), "red"), (lines(origin), "dim"))
    reads = f"reads {', '.join(record['reads'])}" if record["reads"] else ""
    return Text.assemble(
        (f"{record['name']:<{NAME}} ", "bold"), (f"{_better(record):<18} ", "green"), _range(record), lines(record["definition"]),
        (lines(f"cost: {record['cost']}", reads, record["source"], origin), "dim"),
    )  # fmt: skip


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


def _selftest(registry: Registry, names: list[str], quick: bool, asked: bool, device: str | None) -> Audit:
    """The audit of these metrics; of all, those that take long in a quick one, or must be asked for, are left out and named."""
    from hdbench.device import choose
    from hdbench.progress import Reporter
    from hdbench.selftest.run import audit, skipped

    left = {} if asked else skipped(registry, names, quick)
    for why in dict.fromkeys(left.values()):
        click.echo(f"Left out: {', '.join(name for name in left if left[name] == why)} ({why}).", err=True)
    with Reporter() as reporter:
        return audit(registry, [name for name in names if name not in left], quick, reporter, device=choose(device, None).device)


def _write(result: Audit, out: Path) -> None:
    from hdbench.selftest.plot import picture
    from hdbench.selftest.report import to_csv, to_json, to_markdown
    from hdbench.store import write_atomically

    for name, text in (("audit.md", to_markdown(result)), ("curves.csv", to_csv(result)), ("audit.json", to_json(result))):
        write_atomically(out / name, text.encode())
    if result.verdicts:
        write_atomically(out / "curves.png", picture(result))


def _show(result: Audit, out: Path, as_json: bool) -> None:
    from hdbench.selftest.report import to_json, to_rich

    if as_json:
        click.echo(to_json(result), nl=False)
    else:
        console = _console()
        for line in to_rich(result):
            console.print(line)
    click.echo(f"Look at {out / 'curves.png'}; the numbers are in {out / 'curves.csv'} and {out / 'audit.json'}.", err=True)
