"""``hdbench plugins``: what is installed and what could not be loaded; start a plugin of your own, and check it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from hdbench.hookspecs import hookimpl
from hdbench.kit.kinds import KINDS as NEW_KINDS
from hdbench.kit.known import not_installed
from hdbench.registry import KINDS, Registry


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [plugins]


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--broken", is_flag=True, help="Print only the plugins that could not be loaded; exit code 1 if there are any.")
@click.pass_context
def plugins(context: click.Context, as_json: bool, broken: bool) -> None:
    """List the installed components, and the plugins that were left out with the reason."""
    if context.invoked_subcommand:
        return
    registry: Registry = context.obj
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


@plugins.command()
@click.argument("name")
@click.option("--kind", required=True, metavar="KIND", help=f"{', '.join(NEW_KINDS)}.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), metavar="DIR", help="Where its folder goes.  [default: .]"
)
def new(name: str, kind: str, out: Path) -> None:
    """Write a distribution that installs and passes as it is: hdbench plugins new my-method --kind baseline"""
    from hdbench.kit.scaffold import names_of, values, write_distribution

    folder, written = write_distribution(name, kind, out)
    names = names_of(name, kind)
    for path in written:
        click.echo(f"  {path}")
    click.echo(f"\nNext:\n  pip install -e {folder}")
    click.echo(f"  hdbench plugins check {names.component}\n  {values(names, kind)['trial']}")
    click.echo(
        f"Then change {folder / 'src' / names.module / kind}.py; the interface is hdbench.interfaces.{NEW_KINDS[kind].interface}."
    )


@plugins.command()
@click.argument("name")
@click.option("-o", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting for the checks; may be repeated.")
@click.pass_obj
def check(registry: Registry, name: str, settings: tuple[str, ...]) -> None:
    """Hold a component, or all of a plugin, to the contract of its kind; exit code 1 when it does not hold."""
    from hdbench.interfaces import __file__ as interfaces
    from hdbench.kit.examine import chosen, examine

    broken, causes = 0, set()
    for registered in chosen(registry, name):
        offer = registered.offer
        click.echo(f"{offer.kind} '{offer.name}' ({registered.distribution} {registered.version})")
        for found in examine(registry, registered, settings):
            told = "as above" if found.wrong in causes else found.wrong
            click.echo(f"  ok    {found.rule}" if found.holds else f"  WRONG {found.rule}\n        {told}")
            broken += not found.holds
            causes |= {found.wrong} - {""}
    if broken:
        rules = "1 rule does" if broken == 1 else f"{broken} rules do"
        reasons = "one reason" if len(causes) == 1 else f"{len(causes)} reasons"
        click.echo(f"{rules} not hold, for {reasons}. What each method is given and must return stands in {interfaces}.")
        raise SystemExit(1)
    click.echo("The contract holds.")


def _as_json(registry: Registry) -> dict[str, object]:
    components = [asdict(r.offer) | {"distribution": r.distribution, "version": r.version} for r in _sorted(registry)]
    return {
        "components": components,
        "quarantine": [asdict(q) for q in registry.quarantine],
        "not_installed": [asdict(known) for known in not_installed(registry)],
    }


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
    for known in not_installed(registry):
        click.echo(f"Not installed: {known.summary} ({known.distribution}). {known.install}")
