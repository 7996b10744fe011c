"""A component's contract, run without pytest: every check, what it found, in the author's words."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdbench import testing
from hdbench.config import from_dict, override
from hdbench.errors import HdbenchError, unknown
from hdbench.registry import Registered, Registry
from hdbench.testing.contract import Contract

CONTRACTS: dict[str, type[Contract]] = {
    contract.kind: contract for name in testing.__all__ if (contract := getattr(testing, name)).__dict__.get("kind")
}


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of a contract: its ``rule`` in words, and what is wrong, or the empty string."""

    rule: str
    wrong: str

    @property
    def holds(self) -> bool:
        return not self.wrong


def chosen(registry: Registry, name: str) -> list[Registered]:
    """The components that ``name`` means: ``my-method``, ``baseline/my-method``, or all of ``hdbench-my-method``."""
    kind, _, rest = name.rpartition("/")
    found = [r for (k, n), r in registry.components.items() if n == rest and kind in ("", k)]
    found = found or [r for r in registry.components.values() if r.distribution == name]
    if found:
        return found
    for plugin in registry.quarantine:
        if name in (plugin.plugin, plugin.distribution):
            raise HdbenchError(str(plugin))
    known = {n for _, n in registry.components} | {r.distribution for r in registry.components.values()}
    raise unknown("component or plugin", name, known, "Is it installed? 'hdbench plugins' lists what is.")


def examine(registry: Registry, registered: Registered, settings: tuple[str, ...]) -> Iterator[Check]:
    """Every rule of the contract of the component's kind, what holds for all kinds first; each on a contract of its own, so that
    no rule sees what another left behind. ``settings`` (KEY=VALUE) make the checks fast."""
    contract = _contract(registry, registered, settings)
    for name in rules(contract):
        yield Check(name.removeprefix("test_").replace("_", " "), _wrong(contract(), name, _home(registered)))


def rules(contract: type[Contract]) -> list[str]:
    """The names of a contract's rules in the order in which they are written, those of its bases first."""
    written = [name for cls in reversed(contract.__mro__) for name, value in vars(cls).items() if inspect.isfunction(value)]
    return [name for name in dict.fromkeys(written) if name.startswith("test_")]


def _contract(registry: Registry, registered: Registered, settings: tuple[str, ...]) -> type[Contract]:
    """The contract of its kind, for this component."""
    kind, name = registered.offer.kind, registered.offer.name
    target = registry.resolve(kind, name)
    attributes: dict[str, Any] = {"component": name, "plugins": registry}
    if settings:
        attributes["small"] = override(from_dict(target.Config(), target.small), settings)
    return type(f"Check{name.title().replace('-', '')}", (CONTRACTS[kind],), attributes)


def _wrong(contract: Contract, name: str, home: Path) -> str:
    """What is wrong with one rule. An exception of the component's own code is told with the line that raised it."""
    try:
        getattr(contract, name)()
    except AssertionError as breach:
        return str(breach) or _place(breach, home)
    except HdbenchError as error:
        return f"{contract.title} raised an error: {error}"
    except Exception as error:
        words = f": {error}" if str(error) else ""
        return f"{contract.title} raised {type(error).__name__}{words} ({_place(error, home)})"
    return ""


def _home(registered: Registered) -> Path:
    """The folder of the author's package, or the file of a plugin that is one file."""
    file = Path(sys.modules[registered.offer.target.partition(":")[0]].__file__ or "")
    return file.parent if (file.parent / "__init__.py").is_file() else file


def _place(error: BaseException, home: Path) -> str:
    """The innermost line of the author's code (else of any code) that was being run, as file:line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(home)]
    frame = (own or frames)[-1]
    file = Path(frame.filename).relative_to(home.parent) if own else Path(frame.filename).name
    return f"{file}:{frame.lineno} in {frame.name}"
