"""A foreign repository as a baseline, with nothing native: what drives it is a specification that the user writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.external.baseline import ThreeWays, Way, Ways
from hdbench.external.given import Drawn
from hdbench.external.specification import Specification, read_specification
from hdbench.interfaces import Session, TrainingSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalConfig(Ways):
    """``spec``: the TOML that says how ``repo`` is driven; see hdbench.external.specification."""

    spec: str = ""

    @property
    def way(self) -> Way:
        """There is nothing native here."""
        if self.mode != "auto":
            return self.mode
        return "samples" if self.samples else "external"


class External(ThreeWays):
    """Whatever the specification says."""

    name: ClassVar[str] = "external"
    title: ClassVar[str] = "External"
    source: ClassVar[str] = "hdbench.external.specification"
    Config = ExternalConfig
    config: ExternalConfig

    def specification(self) -> Specification:
        """The user's file. HdbenchError when none is given."""
        if not self.config.spec:
            raise HdbenchError("The baseline 'external' needs a specification. Write -o external.spec=FILE.toml.")
        return read_specification(Path(self.config.spec).expanduser())

    def row(self) -> str:
        """The title that the specification gives."""
        titled = self.config.way == "external" and self.specification().about.title
        return titled or self.title

    def native_fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """There is no such way."""
        raise self._nothing_native()

    def native_sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> Drawn:
        """There is no such way."""
        raise self._nothing_native()

    def native_provenance(self) -> str:
        """There is no such way."""
        raise self._nothing_native()

    def _nothing_native(self) -> HdbenchError:
        return HdbenchError(
            "The baseline 'external' has no network of its own. Write -o external.mode=external, or leave it out."
        )
