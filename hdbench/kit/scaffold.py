"""A new distribution that installs and passes its contract as it is written: the author changes one file at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from hdbench.errors import HdbenchError, unknown
from hdbench.kit.kinds import KINDS

NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Names:
    """``component`` as users type it, ``distribution`` as pip knows it, ``module`` as Python imports it, ``cls`` of the code."""

    component: str
    distribution: str
    module: str
    cls: str


def names_of(name: str, kind: str) -> Names:
    """All names that follow from one, such as ``my-method``; HdbenchError for one that no package could have."""
    if kind not in KINDS:
        raise unknown("kind of component", kind, KINDS)
    if not NAME.fullmatch(name):
        raise HdbenchError(f"'{name}' cannot be the name of a plugin. Use small letters, digits and hyphens, such as my-method.")
    component = name.removeprefix("hdbench-").replace("_", "-")
    words = component.split("-")
    camel = "".join(word.capitalize() for word in words)
    ending = KINDS[kind].ending
    cls = camel if camel.endswith(ending) else camel + ending
    return Names(component, f"hdbench-{component}", f"hdbench_{component.replace('-', '_')}", cls)


def write_distribution(name: str, kind: str, out: Path) -> tuple[Path, tuple[Path, ...]]:
    """The folder of a new distribution below ``out`` and its files; HdbenchError when it exists already."""
    names = names_of(name, kind)
    folder = out / names.distribution
    if folder.exists():
        raise HdbenchError(f"'{folder}' exists already. Choose another name, or another place with --out.")
    written = {folder / path: _filled(template, names, kind) for path, template in _places(names, kind).items()}
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder, tuple(written)


def _places(names: Names, kind: str) -> dict[str, str]:
    """{path in the distribution: template}."""
    return {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        ".gitignore": "gitignore",
        ".github/workflows/test.yml": "workflow.yml",
        f"src/{names.module}/__init__.py": "init.py",
        f"src/{names.module}/{kind}.py": f"{kind}.py",
        "tests/test_contract.py": "test_contract.py",
    }


def _filled(template: str, names: Names, kind: str) -> str:
    text = (files("hdbench.kit") / "templates" / f"{template}.txt").read_text()
    return Template(text).substitute(values(names, kind)).rstrip("\n") + "\n"


def values(names: Names, kind: str) -> dict[str, str]:
    """What the templates leave open."""
    about = KINDS[kind]
    own = {"component": names.component, "module": names.module, "file": kind, "cls": names.cls}
    return own | {
        "name": names.distribution,
        "kind": kind,
        "title": names.component.replace("-", " ").capitalize(),
        "a_kind": about.article,
        "interface": about.interface,
        "contract": about.contract,
        "summary": about.summary,
        "source": "say here which paper, equation or repository",
        "trial": about.trial.format(**own),
        "contract_lines": about.contract_lines,
    }
