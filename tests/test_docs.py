"""What the documentation says is so: its commands exist, its tutorial runs, its reference is the code's, its site is whole."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hdbench.__main__ import cli, plugins_first
from hdbench.hookspecs import API_LEVELS
from hdbench.interfaces import INTERFACES
from hdbench.registry import Registry, builtin_commands

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("pages/**/*.md"))
READMES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md")), ROOT / "results/README.md"]

FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.M | re.S)


def fences(text: str) -> list[tuple[str, str, str]]:
    """(language, title, content) of every fenced block."""
    return FENCE.findall(text)


def commands_of(path: Path) -> list[str]:
    """The hdbench commands that a page tells its reader to type, without what a shell would add."""
    text = path.read_text()
    typed = [line[2:] for language, _, block in fences(text) if language == "console" for line in block.splitlines()]
    indented = re.findall(r"^    (hdbench .*)$", FENCE.sub("", text), re.M)
    return [re.split(r"\s+#|\s*&&|\s*\|", line)[0].rstrip(" \\") for line in [*typed, *indented] if line.startswith("hdbench ")]


def parse(line: str) -> None:
    """Read a command line as the program would, without running it; click.UsageError for what it would refuse."""
    registry = builtin_commands(Registry()).load()
    words = [word for word in plugins_first(shlex.split(line)[1:]) if word not in ("...", "…")]
    while words and words[0] == "--plugin":
        words = words[2:]
    if words and words[0].startswith("-"):
        return
    name, *rest = words
    command: click.Command = registry.commands[name]
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    parser_context = click.Context(command, info_name=name, obj=registry, resilient_parsing=False)
    command.make_parser(parser_context).parse_args(list(rest))


@pytest.mark.parametrize("path", [*PAGES, *READMES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_written_down_exists_with_its_options(path):
    for line in commands_of(path):
        try:
            parse(line)
        except (click.UsageError, KeyError) as error:
            raise AssertionError(f"{path.name} says '{line}', but: {error!r}") from error


def test_a_command_or_an_option_that_is_gone_would_be_seen():
    with pytest.raises(KeyError):
        parse("hdbench rnu --method sphere")
    with pytest.raises(click.UsageError):
        parse("hdbench run --metod sphere")


def test_the_readme_names_every_command():
    text = (ROOT / "README.md").read_text()
    absent = [name for name in cli.list_commands(click.Context(cli)) if f"hdbench {name}" not in text]
    assert absent == []


# -------------------------------------------------------------------------------------------------------------- tutorial


@pytest.mark.timeout(600)
def test_the_tutorial_runs_from_its_first_line_to_its_last(tmp_path):
    """As a reader would: append each block to its file, type each command, look at what it prints."""
    said = []
    for language, title, block in fences((DOCS / "pages/tutorial.md").read_text()):
        if title:
            with (tmp_path / title).open("a") as file:
                file.write(block + "\n")
        elif language == "console":
            said += [typed(line[2:], tmp_path) for line in block.splitlines()]
    assert len(said) == 7
    tables = [text for text in said if "1-NNA" in text]
    assert "Balls" in tables[0]
    assert "Memory" in tables[1]
    assert (tmp_path / "balls.html").stat().st_size > 100_000


def typed(line: str, folder: Path) -> str:
    """What a command prints; a shell is needed for nothing but the pattern in a path, which is resolved here."""
    words = [str(next(folder.glob(word))) if "*" in word else word for word in shlex.split(line)]
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# ------------------------------------------------------------------------------------------------------------------ site


def test_the_site_builds_and_its_reference_is_that_of_the_code(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", str(DOCS / "mkdocs.yml"), "-d", str(tmp_path)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(command, capture_output=True, text=True, env=quiet, check=False)
    assert done.returncode == 0, done.stderr
    interfaces = (tmp_path / "reference/interfaces.html").read_text()
    for interface in INTERFACES.values():
        assert f'id="hdbench.interfaces.{interface.__name__}"' in interfaces
        for method in getattr(interface, "__abstractmethods__", ()):
            assert f'id="hdbench.interfaces.{interface.__name__}.{method}"' in interfaces
    hooks = (tmp_path / "reference/hooks.html").read_text()
    assert all(kind in hooks for kind in API_LEVELS)
    commands = (tmp_path / "reference/commands.html").read_text()
    assert all(f"hdbench {name}" in commands for name in cli.list_commands(click.Context(cli)))
    assert fetched(tmp_path) == set()


def fetched(site: Path) -> set[str]:
    """Addresses of other hosts that the pages would load something from (links that a reader may follow are none)."""
    loads = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="(https?://[^"]+)"[^>]*>')
    found = {match for page in site.glob("**/*.html") for match in loads.findall(page.read_text())}
    return {address for address in found if not address.startswith("https://squidfunk")}
