"""``hdbench plugins``: what is installed, where it comes from, and what could not be loaded."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from hdbench.hookspecs import hookimpl
from hdbench.registry import KINDS, Registry


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [plugins]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--broken", is_flag=True, help="Print only the plugins that could not be loaded; exit code 1 if there are any.")
@click.pass_obj
def plugins(registry: Registry, as_json: bool, broken: bool) -> None:
    """List the installed components, and the plugins that were left out with the reason."""
    if as_json:
        click.echo(json.dumps(_as_json(registry), indent=2))
    else:
        if not broken:
            _print_table(registry)
        for plugin in registry.quarantine:
            click.echo(str(plugin))
        if broken and not registry.quarantine:
            click.echo("All installed plugins load.")
    if broken and registry.quarantine:
        raise SystemExit(1)


def _as_json(registry: Registry) -> dict[str, object]:
    components = [asdict(r.offer) | {"distribution": r.distribution, "version": r.version} for r in _sorted(registry)]
    return {"components": components, "quarantine": [asdict(q) for q in registry.quarantine]}


def _sorted(registry: Registry) -> list:
    return [registry.components[kind, name] for kind in KINDS for name in registry.names(kind)]


def _print_table(registry: Registry) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("kind", style="dim")
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what it is")
    table.add_column("from", style="dim")
    kind = ""
    for registered in _sorted(registry):
        offer = registered.offer
        table.add_row("" if offer.kind == kind else offer.kind, escape(offer.name), escape(offer.summary),
                      f"{registered.distribution} {registered.version}")  # fmt: skip
        kind = offer.kind
    Console().print(table)
