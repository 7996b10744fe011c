"""What is installed: (kind, name) -> a light offer and the distribution that makes it.

Entry points are loaded one at a time, because pluggy's own loader registers nothing at all when one of them raises. A
plugin that cannot be loaded is put in quarantine with the reason; everything else works.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from hdbench import hookspecs
from hdbench.errors import HdbenchError, unknown
from hdbench.hookspecs import API_LEVELS, GROUP, Offer
from hdbench.kit.known import hint

if TYPE_CHECKING:
    import click

KINDS = tuple(API_LEVELS)


@dataclass(frozen=True, slots=True)
class Registered:
    """An offer and where it comes from."""

    offer: Offer
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A plugin that was left out, and why."""

    plugin: str
    distribution: str
    version: str
    reason: str

    def __str__(self) -> str:
        return f"The plugin '{self.plugin}' ({self.distribution} {self.version}) is left out: {self.reason}"


class Registry:
    """All components and commands of the installed plugins."""

    def __init__(self) -> None:
        self.components: dict[tuple[str, str], Registered] = {}
        self.commands: dict[str, click.Command] = {}
        self.quarantine: list[Quarantined] = []

    def load(self, points: Iterable[EntryPoint] | None = None) -> Registry:
        """Load entry points (those of the installed distributions by default) in the order of their distributions' names."""
        found = entry_points(group=GROUP) if points is None else points
        for point in sorted(found, key=lambda p: (_distribution(p)[0], p.name)):
            distribution, version = _distribution(point)
            try:
                self.add(point.load(), point.name, distribution, version)
            except Exception as error:  # whatever a plugin raises must not take the others down
                reason = str(error) if isinstance(error, HdbenchError) else f"{type(error).__name__}: {error}"
                self.quarantine.append(Quarantined(point.name, distribution, version, reason))
        return self

    def add_file(self, path: Path) -> None:
        """Register a plugin of one file, whose targets are ``STEM:attribute``. Its folder is imported from, in workers too.

        HdbenchError when it cannot be imported, or is called like a module that exists.
        """
        if not path.is_file() or path.suffix != ".py" or not path.stem.isidentifier():
            raise HdbenchError(f"The plugin '{path}' is no Python file with the name of a module, such as my_method.py.")
        folder = str(path.resolve().parent)
        taken = importlib.util.find_spec(path.stem)
        if taken and taken.origin != str(path.resolve()):
            raise HdbenchError(f"The plugin '{path}' is called like the module {taken.origin}. Rename the file.")
        if folder not in sys.path:
            sys.path.insert(0, folder)
        try:
            self.add(importlib.import_module(path.stem), path.stem, path.name, "one file")
        except Exception as error:
            reason = str(error) if isinstance(error, HdbenchError) else f"{type(error).__name__}: {error}"
            raise HdbenchError(f"The plugin '{path}' cannot be used: {reason}") from error

    def add(self, plugin: Any, name: str, distribution: str, version: str) -> None:
        """Register one plugin wholly or, by raising, not at all."""
        manager = _manager_with(plugin, name)
        if not manager.get_hookcallers(plugin):
            raise HdbenchError(_advice_on_hooks(plugin, name))
        offers = [offer for group in manager.hook.hdbench_components() for offer in group]
        commands = [command for group in manager.hook.hdbench_commands() for command in group]
        for offer in offers:
            self._refuse_unusable(offer, offers)
        merged = dict(self.commands)
        for command in commands:
            merged[str(command.name)] = _joined(merged.get(str(command.name)), command)
        self.components |= {(o.kind, o.name): Registered(o, distribution, version) for o in offers}
        self.commands = merged

    def _refuse_unusable(self, offer: Offer, siblings: list[Offer]) -> None:
        if offer.kind not in KINDS:
            raise unknown("kind of component", offer.kind, KINDS)
        level = API_LEVELS[offer.kind]
        if offer.api != level:
            advice = "Upgrade hdbench" if offer.api > level else "Upgrade the plugin"
            raise HdbenchError(
                f"its {offer.kind} '{offer.name}' speaks API level {offer.api}, this hdbench speaks {level}. {advice}."
            )
        taken = self.components.get((offer.kind, offer.name))
        if taken:
            raise HdbenchError(
                f"its {offer.kind} '{offer.name}' is offered by {taken.distribution} {taken.version} already. "
                f"Uninstall one of the two distributions."
            )
        if sum((o.kind, o.name) == (offer.kind, offer.name) for o in siblings) > 1:
            raise HdbenchError(f"it offers the {offer.kind} '{offer.name}' twice.")

    def names(self, kind: str) -> list[str]:
        """The names of all components of a kind, sorted."""
        return sorted(name for k, name in self.components if k == kind)

    def metrics(self, when: str) -> list[str]:
        """The metrics that are computed in every ``table``, in every full ``score``, or when they are ``asked`` for, as offered:
        those on distances before those that read more."""
        offers = [r.offer for (kind, _), r in self.components.items() if kind == "metric" and r.offer.when == when]
        return [offer.name for offer in sorted(offers, key=lambda offer: "[" in offer.name)]

    def find(self, kind: str, name: str) -> Registered:
        """The offer of this kind and name; HdbenchError with the nearest name otherwise."""
        try:
            return self.components[kind, name]
        except KeyError:
            left_out = f" {len(self.quarantine)} plugins could not be loaded." if self.quarantine else ""
            step = hint(self, name) or f"'hdbench plugins' lists what is installed.{left_out}"
            raise unknown(kind, name, self.names(kind), step) from None

    def resolve(self, kind: str, name: str) -> Any:
        """The class (or recipe book) itself: this imports the plugin's code."""
        return import_target(self.find(kind, name).offer)


def _joined(known: click.Command | None, command: click.Command) -> click.Command:
    """The command, or one group of both where two plugins offer a group of one name (``hdbench weights``)."""
    if known is None:
        return command
    ours, theirs = getattr(known, "commands", None), getattr(command, "commands", None)
    if ours is None or theirs is None:
        raise HdbenchError(f"it offers the command '{command.name}', which exists already.")
    if taken := ours.keys() & theirs.keys():
        raise HdbenchError(f"it offers the command '{command.name} {sorted(taken)[0]}', which exists already.")
    group: Any = copy(known)
    group.commands = {**ours, **theirs}
    return group


def import_target(offer: Offer) -> Any:
    """What ``offer.target`` names; HdbenchError if it cannot be imported or is of the wrong kind."""
    module, _, attribute = offer.target.partition(":")
    try:
        target = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise HdbenchError(f"The {offer.kind} '{offer.name}' cannot be imported from '{offer.target}': {error}.") from error
    from hdbench.interfaces import INTERFACES
    from hdbench.recipes import RecipeBook

    fits = isinstance(target, RecipeBook) if offer.kind == "recipe" else issubclass(target, INTERFACES[offer.kind])
    if not fits:
        wanted = "a RecipeBook" if offer.kind == "recipe" else INTERFACES[offer.kind].__name__
        raise HdbenchError(f"The {offer.kind} '{offer.name}' at '{offer.target}' is not {wanted}.")
    return target


def _manager_with(plugin: Any, name: str) -> pluggy.PluginManager:
    """A fresh manager that holds this plugin alone: what raises here has touched nobody else."""
    manager = pluggy.PluginManager("hdbench")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name)
    manager.check_pending()  # a misspelt hook is an error, not silence
    return manager


def _advice_on_hooks(plugin: Any, name: str) -> str:
    """What a plugin without a hook lacks: a first try often has the class and not the offer."""
    from hdbench.interfaces import INTERFACES

    module = getattr(plugin, "__name__", name)
    own = [value for value in vars(plugin).values() if isinstance(value, type) and value.__module__ == module]
    found = [(kind, cls) for cls in own for kind, wanted in INTERFACES.items() if issubclass(cls, wanted)]
    kind, cls = found[0] if found else ("KIND", None)
    target, called = getattr(cls, "__name__", "CLASS"), getattr(cls, "name", "NAME")
    return (
        "it offers nothing, as no function of it is a hook. Add 'from hdbench.hookspecs import Offer, hookimpl' and then\n\n"
        "@hookimpl\ndef hdbench_components():\n"
        f'    return [Offer(kind="{kind}", name="{called}", target="{module}:{target}", summary="...", source="...")]\n'
    )


def _distribution(point: EntryPoint) -> tuple[str, str]:
    dist = point.dist
    return (dist.name, dist.version) if dist else ("unknown distribution", "?")


def builtin_commands(registry: Registry) -> Registry:
    """Register hdbench's own commands by the same hook that a plugin uses."""
    for name in (
        "run",
        "score",
        "ablate",
        "metrics",
        "table",
        "data",
        "check",
        "compare",
        "export",
        "show",
        "doctor",
        "plugins",
        "report",
        "log",
    ):
        registry.add(importlib.import_module(f"hdbench.commands.{name}"), name, "hdbench", "built in")
    return registry
