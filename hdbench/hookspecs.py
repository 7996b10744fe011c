"""The hooks. A plugin module is named by an entry point of the group ``hdbench.plugins`` and must import nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pluggy

if TYPE_CHECKING:
    import click

GROUP = "hdbench.plugins"
API_LEVELS = {"shapes": 1, "recipe": 1, "encoder": 1, "denoiser": 1, "sampler": 1, "baseline": 1, "features": 1, "metric": 1,
              "logger": 1}  # fmt: skip
"""Per interface: raised when it changes in a way that breaks plugins. A component of another level is quarantined."""

hookspec = pluggy.HookspecMarker("hdbench")
hookimpl = pluggy.HookimplMarker("hdbench")


@dataclass(frozen=True, slots=True)
class Offer:
    """A light description of one component: enough to list it without importing it.

    ``kind`` is a key of ``API_LEVELS``; ``target`` is ``module:attribute``,
    imported when the component is used; ``summary`` is one line; ``source`` cites the paper or repository.
    A recipe's target is a ``hdbench.recipes.RecipeBook``. ``api`` is the level of its interface (``API_LEVELS``).
    ``when`` says of a metric where it is computed: in every ``table``, in every full ``score`` (and a run's record), or only
    when it is ``asked`` for by name, because it costs much or needs what most users do not have.
    """

    kind: str
    name: str
    target: str
    summary: str
    source: str
    api: int = 1
    when: Literal["table", "score", "asked"] = "table"


@hookspec
def hdbench_components() -> Iterable[Offer]:
    """The components that this plugin offers."""
    raise NotImplementedError


@hookspec
def hdbench_commands() -> Iterable[click.Command]:
    """Commands for the ``hdbench`` command line."""
    raise NotImplementedError
