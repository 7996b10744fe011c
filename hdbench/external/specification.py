"""How somebody else's repository is driven: a small TOML, read strictly. ``plugins/hdbench-external/README.md`` explains it.

Commands are lists of arguments (never a shell line), with placeholders in braces. ``{python}`` as the first argument starts the
script in the repository's environment through the launcher, with the shims that ``[environment]`` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from hdbench.config import as_dict, check, digest, from_dict, read_toml
from hdbench.errors import HdbenchError, unknown

PLACEHOLDERS = ("python", "repo", "here", "data", "out", "count", "seed", "device", "threads", "checkpoint", "points")
SHIMS = (
    "torch-load", "no-cuda", "marching-cubes", "numpy-aliases", "compiler", "typed-arguments", "old-python", "headless", "seed",
)  # fmt: skip
LAYOUTS = ("none", "npz", "npy", "pc15k", "dpc-hdf5", "meshes", "shapegan-voxels", "shapegan-points")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """``title`` of the method; ``source``: repository and paper; ``commit`` for which the file was written; ``schedule``: a
    sentence on schedule and sampler for the table."""

    title: str = ""
    source: str = ""
    licence: str = ""
    commit: str = ""
    schedule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the commands find. ``variables`` are NAME=VALUE; ``inherit`` names variables that are passed on besides the usual;
    ``modules`` must be importable; ``stubs`` are put in the place of modules that are not; ``patches`` are Python files (beside
    the TOML, or ``package:file.py``) that the launcher runs before the script; ``leave_out``: what is not copied of the checkout.
    """

    modules: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    inherit: tuple[str, ...] = ()
    cuda: bool = False
    compiler: bool = False
    shims: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for shim in self.shims:
            if shim not in SHIMS:
                raise unknown("shim", shim, SHIMS)
        for variable in self.variables:
            check("=" in variable, "environment.variables", "a list of NAME=VALUE", variable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """``layout`` is the writer's name, ``folder`` where it writes ({data}); ``points`` per cloud (0: as many as are scored).
    Where the number of samples is that of a split's shapes, ``counting`` names the split. ``resolutions`` of voxel grids."""

    layout: str = "npz"
    folder: str = "{data}"
    points: int = 0
    counting: Literal["", "val", "test"] = ""
    resolutions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise unknown("data layout", self.layout, LAYOUTS)
        check(0 <= self.points <= 1_000_000, "data.points", "in 0..1000000", self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``run`` in ``folder`` of the checkout; it has succeeded when a file fits ``output`` (a glob with placeholders; of several,
    the last in natural order counts). ``progress`` is a regular expression whose group 1 (of group 2) is how far a line of the
    log says it is. With ``patience_seconds`` above 0 the command is stopped so long after its output last changed: what else
    it does is not needed. Of the last sampling command, ``key`` names the array in its output, and ``space`` says whether
    samples lie where the data lay (``ours``), or each fills its own box (``box``)."""

    run: tuple[str, ...] = ()
    folder: str = "."
    output: str = ""
    timeout_minutes: float = 1440.0
    patience_seconds: float = 0.0
    progress: str = ""
    key: str = ""
    space: Literal["ours", "box"] = "ours"

    def __post_init__(self) -> None:
        check(bool(self.run), "run", "a list of arguments, such as ['{python}', 'train.py']", self.run)
        check(bool(self.output), "output", "the glob of a file that the command writes, such as '{out}/*.npy'", self.output)
        check(self.timeout_minutes > 0, "timeout_minutes", "above 0", self.timeout_minutes)
        try:
            groups = re.compile(self.progress).groups
        except re.error as error:
            raise HdbenchError(f"The setting 'progress' is no regular expression: {error}.") from None
        check(not self.progress or groups in (1, 2), "progress", "a pattern with one or two groups", self.progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """The whole file. ``parameters`` are NAME=VALUE: placeholders of one's own, which '-o NAME.arguments=...' changes. One of
    them, ``category``, names the folders of ShapeNet's layouts; with the value ``auto`` it follows from the shapes' names."""

    about: About = field(default_factory=About)
    environment: Environment = field(default_factory=Environment)
    data: Data = field(default_factory=Data)
    parameters: tuple[str, ...] = ()
    train: tuple[Command, ...] = ()
    sample: tuple[Command, ...] = ()
    folder: Path = Path()  # where the TOML is

    @property
    def digest(self) -> str:
        """A hash of all that it says, and of the patches."""
        said = as_dict(replace(self, folder=Path(), train=(), sample=()))
        commands = [[as_dict(c) for c in part] for part in (self.train, self.sample)]
        return digest(said, commands, [path.read_text(encoding="utf-8") for path in self.patches()])

    def patches(self) -> list[Path]:
        """The files of ``environment.patches``. HdbenchError for one that is not there."""
        found = [located(patch, self.folder) for patch in self.environment.patches]
        for path in found:
            if not path.is_file():
                raise HdbenchError(f"The patch '{path}', named in [environment], is not there.")
        return found

    def scripts(self) -> tuple[str, ...]:
        """The files of the checkout that the commands start, as far as their names tell."""
        return tuple(dict.fromkeys(
            (Path(command.folder) / word).as_posix()
            for command in (*self.train, *self.sample) for word in command.run[:3] if word.endswith(".py") and "{" not in word
        ))  # fmt: skip

    def values(self, arguments: tuple[str, ...]) -> dict[str, str]:
        """The parameters with ``arguments`` (NAME=VALUE) in their place. HdbenchError for one that does not exist."""
        known = _pairs(self.parameters, "parameters")
        given = _pairs(arguments, "arguments")
        for name in given:
            if name not in known:
                raise unknown("parameter", name, known, "The specification's 'parameters' list them.")
        return known | given


def read_specification(path: Path) -> Specification:
    """The file, checked. HdbenchError names the file and what is wrong in it."""
    table = read_toml(path)
    try:
        return _checked(_parse(table, path.resolve().parent))
    except HdbenchError as error:
        raise HdbenchError(f"The specification '{path}' cannot be used: {error}") from None


def packaged(name: str) -> Specification:
    """The specification ``package:file.toml`` in a plugin's package data."""
    return read_specification(located(name, Path()))


def located(name: str, folder: Path) -> Path:
    """``package:file`` in an installed package, or a path, relative to ``folder``."""
    package, colon, rest = name.partition(":")
    if colon and rest and package.isidentifier():
        return Path(str(files(package))) / rest
    return folder / name


def placeholders(words: tuple[str, ...]) -> Iterator[str]:
    """The names in braces."""
    for word in words:
        yield from _PLACEHOLDER.findall(word)


def filled(word: str, values: Mapping[str, str]) -> str:
    """The word with its placeholders replaced."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], word)


def _parse(table: dict[str, Any], folder: Path) -> Specification:
    commands = {part: table.pop(part, []) for part in ("train", "sample")}
    read = {part: tuple(_command(c, part) for c in _listed(given, part)) for part, given in commands.items()}
    return replace(from_dict(Specification(), table), folder=folder, train=read["train"], sample=read["sample"])


def _listed(given: Any, part: str) -> list[Any]:
    """``[train]`` is one command, ``[[train]]`` are several."""
    commands = given if isinstance(given, list) else [given]
    for command in commands:
        check(isinstance(command, Mapping), part, "a table", command)
    return commands


def _command(table: Mapping[str, Any], part: str) -> Command:
    return from_dict(_UNFINISHED, table, f"{part}.")


_UNFINISHED = Command(run=("?",), output="?")


def _checked(spec: Specification) -> Specification:
    """HdbenchError for commands that miss something, and for placeholders that do not exist."""
    if not spec.sample:
        raise HdbenchError("it has no [sample] command.")
    known = (*PLACEHOLDERS, *_pairs(spec.parameters, "parameters"))
    for part, commands in (("train", spec.train), ("sample", spec.sample)):
        for command in commands:
            check("?" not in (*command.run, command.output), part, "a table with 'run' and 'output'", command.run)
            for name in placeholders((*command.run, command.output, command.folder)):
                if name not in known:
                    raise unknown(f"placeholder in [{part}]", name, known)
    return spec


def _pairs(texts: tuple[str, ...], key: str) -> dict[str, str]:
    for text in texts:
        check("=" in text, key, "a list of NAME=VALUE", text)
    return {name.strip(): value for name, _, value in (text.partition("=") for text in texts)}
