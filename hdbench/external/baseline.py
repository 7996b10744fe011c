"""A baseline that can be had in three ways: natively, from its authors' own checkout, from samples that exist already."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from torch import Tensor

from hdbench.config import digest
from hdbench.errors import HdbenchError
from hdbench.external import driving
from hdbench.external.driving import KEPT
from hdbench.external.given import SHORT, Drawn, checked, content_hash, read_samples
from hdbench.external.specification import Specification, packaged
from hdbench.interfaces import Baseline, Session, TrainingSet

Way = Literal["native", "external", "samples"]

OURS = "this run"  # as training_split: the user vouches that what is given was trained on this run's training shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Settings that every such baseline has; a plugin's Config inherits them.

    ``mode``: ``native`` is this plugin's network, ``external`` drives the authors' checkout ``repo`` with the interpreter
    ``python`` of its environment, ``samples`` reads a file or folder; ``auto`` is samples or external when ``samples`` or
    ``repo`` is given, else native.
    ``checkpoint``: trained weights, used instead of training, if ``checkpoint_sha256`` (its first digits do) fits.
    ``training_split``: on what a given checkpoint, or given samples, were trained, in words for the table; ``this run`` says
    that it was this run's training shapes. ``arguments``: NAME=VALUE for parameters of the external commands.
    ``timeout_minutes``: after which an external command is stopped; 0 leaves it to the specification.
    """

    mode: Literal["auto", "native", "external", "samples"] = "auto"
    repo: str = ""
    python: str = ""
    checkpoint: str = ""
    checkpoint_sha256: str = ""
    samples: str = ""
    training_split: str = ""
    arguments: tuple[str, ...] = ()
    timeout_minutes: float = 0.0

    @property
    def way(self) -> Way:
        """The mode that is meant."""
        if self.mode != "auto":
            return self.mode
        return "samples" if self.samples else "external" if self.repo else "native"


class ThreeWays(Baseline):
    """Subclasses give ``native_fit`` and ``native_sample``, and name the specification of their authors' repository.

    ``wrapped`` is ``package:file.toml`` in the plugin's package data; ``released`` says in words what the authors' released
    checkpoints were trained on. A subclass's Config inherits ``Ways``.
    """

    title: ClassVar[str]
    wrapped: ClassVar[str] = ""
    released: ClassVar[str] = ""
    config: Ways

    @abstractmethod
    def native_fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """As ``fit``; with ``self.checkpoint()`` it loads the authors' weights instead of training."""

    @abstractmethod
    def native_sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> Drawn:
        """As ``sample``."""

    def native_provenance(self) -> str:
        """Schedule and sampler in a sentence, and whether it is the authors' or a faster one."""
        return ""

    def specification(self) -> Specification:
        """How the authors' repository is driven. HdbenchError when this baseline has none."""
        if not self.wrapped:
            raise HdbenchError(f"The baseline '{self.name}' cannot drive a foreign checkout. Use mode=native or mode=samples.")
        return packaged(self.wrapped)

    def checkpoint(self) -> Path | None:
        """The weights that the user gives, checked, or None. HdbenchError when they are not there or of another hash."""
        given = self.config.checkpoint
        return checked(Path(given).expanduser(), self.config.checkpoint_sha256) if given else None

    def samples_path(self) -> Path:
        """The samples that the user gives. HdbenchError when none are named."""
        if not self.config.samples:
            raise HdbenchError(f"mode=samples needs a file or a folder. Write -o {self.name}.samples=PATH.")
        return Path(self.config.samples).expanduser()

    # ------------------------------------------------------------------------------------------------ the Baseline itself

    def fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """Train, load, or remember which points and frames samples must have."""
        self._refuse_contradictions()
        if self.config.way == "native":
            return self.native_fit(training, session)
        if self.config.way == "samples":
            return {"training": training.clouds[:KEPT].clone()}
        return driving.fit(self.driven(), training, session)

    def sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> Drawn:
        """Samples of the chosen way."""
        if self.config.way == "native":
            return self.native_sample(state, count, session)
        if self.config.way == "samples":
            return read_samples(self.samples_path(), count, state["training"], session)
        return driving.sample(self.driven(), state, count, session)

    def driven(self) -> driving.Driven:
        """The authors' checkout with all that is needed to run it."""
        config = self.config
        return driving.Driven(
            self.name, self.specification(), config.repo, config.python, self.checkpoint(), config.arguments,
            config.timeout_minutes,
        )  # fmt: skip

    def provenance(self) -> str:
        """How the row is obtained; also the place where files that are not there are refused before anything is computed."""
        self._refuse_contradictions()
        if self.config.way == "samples":
            path = self.samples_path()
            return f"Samples: {path.name} (sha256 {content_hash(path)[:SHORT]}), {self._trained_on(given=True)}"
        checkpoint = self.checkpoint()
        trained = self._trained_on(given=checkpoint is not None)
        weights = f"checkpoint {checkpoint.name} (sha256 {content_hash(checkpoint)[:SHORT]}), " if checkpoint else ""
        if self.config.way == "native":
            return " ".join(filter(None, (f"Native: {weights}{trained}", self.native_provenance())))
        return f"External: {driving.described(self.driven())}; {weights}{trained}"

    def fingerprint(self) -> str:
        """The content of what is read besides the settings: samples, checkpoint, specification, the checkout's files."""
        if self.config.way == "samples":
            return content_hash(self.samples_path())
        checkpoint = self.checkpoint()
        own = content_hash(checkpoint) if checkpoint else ""
        return own if self.config.way == "native" else digest(own, driving.fingerprint(self.driven()))

    def _trained_on(self, given: bool) -> str:
        split = self.config.training_split
        if not given or split == OURS:
            return "trained on this run's training shapes."
        leak = "that may hold shapes of this test set"
        if split:
            return f"said to be trained on {split}: {leak}."
        if self.released and self.config.way != "samples":
            return f"trained, if it is the authors', on {self.released}: {leak}."
        return f"trained on a split that is not known: {leak} (-o {self.name}.training_split=... says which)."

    def _refuse_contradictions(self) -> None:
        config = self.config
        if config.way == "samples" and config.checkpoint:
            raise HdbenchError(f"Give {self.name} either samples or a checkpoint: samples that exist need no network.")
        for setting, way in (("samples", "samples"), ("repo", "external")):
            if getattr(config, setting) and config.way != way:
                raise HdbenchError(f"The setting '{self.name}.{setting}' is for mode={way}, but mode={config.way} is chosen.")
        if config.checkpoint_sha256 and not config.checkpoint:
            raise HdbenchError(f"The setting '{self.name}.checkpoint_sha256' needs {self.name}.checkpoint=PATH.")
