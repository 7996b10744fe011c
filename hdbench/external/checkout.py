"""Somebody else's checkout: which commit it is, what is in it, and a copy to work in, so that it is never touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from hdbench.config import digest
from hdbench.errors import HdbenchError
from hdbench.external.given import content_hash

LARGE_BYTES = 16 * 2**20  # files above are linked, not copied, and known by size and time
MOST_FILES = 20_000
NEVER = (".git", "__pycache__", ".venv", "venv")


def checked_repo(name: str, repo: str) -> Path:
    """The folder of the checkout. HdbenchError when it is not given or not there."""
    if not repo:
        raise HdbenchError(f"mode=external needs a checkout of the authors' repository. Write -o {name}.repo=DIR.")
    path = Path(repo).expanduser()
    if not path.is_dir():
        raise HdbenchError(f"There is no folder '{path}'. Clone the authors' repository, and write -o {name}.repo=DIR.")
    return path.resolve()


def contents(repo: Path, leave_out: tuple[str, ...]) -> list[Path]:
    """The files of a checkout, relative to it, sorted. HdbenchError when there are so many that some must be data."""
    found = []
    for path in _walk(repo, set(leave_out)):
        found.append(path)
        if len(found) > MOST_FILES:
            raise HdbenchError(
                f"'{repo}' holds more than {MOST_FILES} files, so there is data in it. Name what is not to be copied in the "
                "specification: leave_out = ['data', 'output'] in [environment]."
            )
    return sorted(found)


def _walk(repo: Path, leave_out: set[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(repo):
        here = Path(folder).relative_to(repo)
        folders[:] = sorted(f for f in folders if f not in NEVER and (here / f).as_posix() not in leave_out)
        yield from (here / name for name in names if (here / name).as_posix() not in leave_out)


def copy(repo: Path, target: Path, leave_out: tuple[str, ...]) -> None:
    """The checkout in another place. Large files are links to the originals."""
    for name in contents(repo, leave_out):
        source, place = repo / name, target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if _is_large(source):
            place.symlink_to(source)
        elif source.exists():  # or a link that leads nowhere
            shutil.copy2(source, place)


def tree_hash(repo: Path, leave_out: tuple[str, ...]) -> str:
    """A hash of all files' names and contents."""
    return digest([[name.as_posix(), _file_hash(repo / name)] for name in contents(repo, leave_out)])


def _file_hash(path: Path) -> str:
    if not path.exists():
        return ""
    return f"{path.stat().st_size} {path.stat().st_mtime_ns}" if _is_large(path) else content_hash(path)


def _is_large(path: Path) -> bool:
    return path.exists() and path.stat().st_size > LARGE_BYTES


@cache
def commit(repo: Path) -> str:
    """Such as ``b037c5f`` or ``b037c5f, modified``; empty where git knows nothing of it."""
    try:
        if Path(_git(repo, "rev-parse", "--show-toplevel")).resolve() != repo.resolve():
            return ""
        modified = ", modified" if _git(repo, "status", "--porcelain", "--untracked-files=no") else ""
        return _git(repo, "rev-parse", "--short=7", "HEAD") + modified
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(repo: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repo), "-c", "core.fsmonitor=false", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
