"""A reference to a component: enough to build it in another process and to say what a result depends on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Ref:
    """``target`` (module:class) with its configuration."""

    kind: str
    name: str
    target: str
    config: Any

    def build(self) -> Any:
        """The component."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)(self.config)

    @property
    def module(self) -> str:
        """The module whose code the component depends on."""
        return self.target.partition(":")[0]
