"""``hdbench log``: run folders to where people keep their logs."""

from __future__ import annotations

from pathlib import Path

import click

from hdbench.hookspecs import hookimpl
from hdbench.registry import Registry


@hookimpl
def hdbench_commands() -> list[click.Command]:
    return [log]


@click.command(epilog="'hdbench plugins' lists the loggers that are installed.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--to", "name", required=True, metavar="NAME", help="A logger: tensorboard, wandb, hub, or a plugin's.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("logs"), show_default=True,
              help="The folder that it writes below.")  # fmt: skip
@click.option("-o", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting of the logger; may be repeated.")
@click.pass_obj
def log(registry: Registry, folders: tuple[Path, ...], name: str, out: Path, settings: tuple[str, ...]) -> None:
    """Write settings, numbers, curves and pictures of runs for TensorBoard, Weights & Biases, or as a bundle for a hub."""
    from hdbench.config import override
    from hdbench.logged import logged
    from hdbench.tables.records import read_record

    cls = registry.resolve("logger", name)
    logger = cls(override(cls.Config(), settings))
    for record in [read_record(folder) for folder in folders]:
        click.echo(logger.log(logged(record), out))
