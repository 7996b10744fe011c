"""The command line: ``hdbench COMMAND``. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hdbench import __version__
from hdbench.errors import HdbenchError
from hdbench.registry import Registry, builtin_commands


class Commands(click.Group):
    """The commands of hdbench and of its plugins, found when they are first asked for."""

    def registry(self, context: click.Context) -> Registry:
        if not isinstance(context.obj, Registry):
            context.obj = builtin_commands(Registry()).load()
        return context.obj

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(self.registry(context).commands)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return self.registry(context).commands.get(name)

    def resolve_command(self, context: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and self.get_command(context, args[0]) is None:
            from hdbench.errors import unknown

            raise unknown("command", args[0], self.list_commands(context), "'hdbench --help' describes them.")
        return super().resolve_command(context, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hdbench")
@click.option("--strict", is_flag=True, help="Stop when a plugin cannot be loaded, instead of leaving it out.")
@click.option("--plugin", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A plugin of one Python file, for a first try; may be repeated.")  # fmt: skip
@click.pass_context
def cli(context: click.Context, strict: bool, files: tuple[Path, ...]) -> None:
    """Benchmark generators of 3D and 4D shapes: fit, train, sample, mesh and score, then print the table.

    Start with 'hdbench run --method hyperdiffusion --baseline voxel': it needs no download.
    """
    registry: Registry = context.command.registry(context)  # type: ignore[attr-defined]
    for file in files:
        registry.add_file(file)
    quarantine = registry.quarantine
    for plugin in quarantine:
        click.echo(f"Warning: {plugin}", err=True)
    if quarantine and strict:
        raise HdbenchError(f"{len(quarantine)} of the installed plugins cannot be loaded (--strict).")


def plugins_first(arguments: list[str]) -> list[str]:
    """``--plugin FILE`` means the same before and after the command, so it is moved before it."""
    first, rest = [], list(arguments)
    while "--plugin" in rest[:-1]:
        at = rest.index("--plugin")
        first += rest[at : at + 2]
        del rest[at : at + 2]
    return first + rest


def main(arguments: list[str] | None = None) -> None:
    """Run the command line. A user's mistake ends in one line and exit code 2, Ctrl-C in 130; a bug shows its traceback."""
    try:
        code = cli.main(
            plugins_first(sys.argv[1:] if arguments is None else arguments), prog_name="hdbench", standalone_mode=False
        )
    except HdbenchError as error:
        click.echo(f"Error: {error}", err=True)
        code = 2
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped. What is finished is kept: the same command goes on from there.", err=True)
        code = 130
    sys.exit(code or 0)


if __name__ == "__main__":
    main()
