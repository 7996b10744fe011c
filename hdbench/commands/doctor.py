"""``hdbench doctor``: can hdbench work on this machine, and can it drive somebody else's checkout?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hdbench.errors import HdbenchError
from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry

if TYPE_CHECKING:
    from hdbench.external.findings import Finding


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [doctor]


@click.command(epilog="Exit code 1 when something that is needed does not work.")
@click.argument("name", required=False)
@click.option("--spec", type=click.Path(path_type=Path), metavar="FILE", help="Check a specification of yours: a TOML.")
@click.option("-o", "overrides", multiple=True, metavar="KEY=VALUE",
              help="A setting of the baseline, such as -o repo=DIR; may be repeated.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where run folders go.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(registry: Registry, name: str | None, spec: Path | None, overrides: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Check this machine, and the checkout that the baseline NAME drives: hdbench doctor dpc -o repo=DIR -o python=PATH

    Each line is ok, warn or fail, and says what to do next.
    """
    if spec is not None:
        name, overrides = name or "external", (f"spec={spec}", *overrides)
    if overrides and name is None:
        raise HdbenchError("'-o' changes settings of a baseline. Name it: hdbench doctor NAME -o KEY=VALUE.")
    baseline = _baseline(registry, name, overrides) if name else None
    failed = _show(_findings(registry, out, baseline), as_json)
    if failed:
        raise SystemExit(1)


def _baseline(registry: Registry, name: str, overrides: tuple[str, ...]) -> object:
    from hdbench.config import override
    from hdbench.external.machine import settings_of

    settings_of(registry, name)
    cls = registry.resolve("baseline", name)
    return cls(override({name: cls.Config()}, overrides)[name])


def _findings(registry: Registry, out: Path, baseline: object) -> Iterator[Finding]:
    from hdbench.external.baseline import ThreeWays
    from hdbench.external.diagnosis import examine_baseline
    from hdbench.external.machine import examine_machine

    yield from examine_machine(registry, out)
    if isinstance(baseline, ThreeWays):
        yield from examine_baseline(baseline)


def _show(findings: Iterator[Finding], as_json: bool) -> int:
    """Print every finding as it comes; returns how many fail."""
    found = []
    for finding in findings:
        found.append(finding)
        if not as_json:
            step = f"\n      {finding.step}" if finding.step else ""
            click.echo(f"{finding.level:<5} {finding.what}: {finding.found}{step}")
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    return sum(finding.level == "fail" for finding in found)
