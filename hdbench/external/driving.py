"""The two stages of a foreign repository: write data, run its commands, read what they leave."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hdbench.config import digest
from hdbench.errors import HdbenchError
from hdbench.external.bench import Bench, open_bench
from hdbench.external.checkout import checked_repo, commit, tree_hash
from hdbench.external.given import Drawn, read_samples
from hdbench.external.layouts.material import Material
from hdbench.external.running import INSIDE
from hdbench.external.specification import Specification
from hdbench.interfaces import Session, TrainingSet
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import seed_of

KEPT = 64  # training clouds that samples are compared with


@dataclass(frozen=True, slots=True)
class Driven:
    """A checkout and how it is driven: ``repo`` is its folder, ``python`` the interpreter of its environment."""

    name: str
    specification: Specification
    repo: str
    python: str
    checkpoint: Path | None
    arguments: tuple[str, ...]
    timeout_minutes: float

    def folder(self) -> Path:
        """The checkout. HdbenchError when it is not there."""
        return checked_repo(self.name, self.repo)

    def interpreter(self) -> Path:
        """The interpreter of its environment; HdbenchError when there is none."""
        import sys

        found = shutil.which(str(Path(self.python).expanduser())) if self.python else sys.executable
        if not found:
            raise HdbenchError(f"There is no interpreter '{self.python}'. Write -o {self.name}.python=ENVIRONMENT/bin/python.")
        return Path(found).absolute()  # not resolved: a link in an environment is what makes it that environment's


def described(driven: Driven) -> str:
    """Whose code it is, at which commit. HdbenchError when the checkout, the interpreter or the arguments do not exist."""
    about, folder = driven.specification.about, driven.folder()
    driven.interpreter()
    values = driven.specification.values(driven.arguments)
    _refuse_untrainable(driven)
    at = commit(folder) or f"no known commit, files {tree_hash(folder, driven.specification.environment.leave_out)[:8]}"
    settings = ", ".join(f"{name}={value}" for name, value in values.items())
    return "; ".join(filter(None, (f"{about.source or folder.name} at {at}", about.schedule.rstrip("."), settings)))


def fingerprint(driven: Driven) -> str:
    """What the results depend on besides the settings: the specification, the checkout's files, the launcher."""
    spec = driven.specification
    launcher = [path.read_text(encoding="utf-8") for path in sorted(INSIDE.glob("*.py"))]
    return digest(spec.digest, tree_hash(driven.folder(), spec.environment.leave_out), launcher)


def fit(driven: Driven, training: TrainingSet, session: Session) -> dict[str, Tensor]:
    """Train it on the training shapes, or take the checkpoint that is given. The state holds the checkpoint, byte by byte."""
    spec = driven.specification
    _refuse_untrainable(driven)
    clouds = _clouds(training, spec.data.points, session.seed)
    with open_bench(driven, session, "train") as bench:
        bench.settle_category(training.names)
        trained = driven.checkpoint or _train(bench, clouds, training)
        category = _as_bytes(bench.category.encode())
        known = {"category": category, "clouds": torch.from_numpy(clouds), "training": training.clouds[:KEPT].clone()}
        return _as_state(trained) | known


def _refuse_untrainable(driven: Driven) -> None:
    if driven.checkpoint is None and not driven.specification.train:
        raise HdbenchError(f"The specification of '{driven.name}' has no [train]. Write -o {driven.name}.checkpoint=PATH.")


def _clouds(training: TrainingSet, points: int, seed: int) -> np.ndarray:
    """Clouds [n, t, q, 3] of as many points as the layout wants."""
    if points in (0, training.clouds.shape[2]):
        return training.clouds.numpy()
    return np.stack([evaluation_cloud(training.shape(name), points, seed_of(seed, "external")) for name in training.names])


def _train(bench: Bench, clouds: np.ndarray, training: TrainingSet) -> Path:
    shapes = tuple((lambda name=name: training.shape(name)) for name in training.names)  # type: ignore[misc]
    bench.write(Material(clouds, shapes, 0, bench.category, bench.seed))
    return bench.run_all(bench.driven.specification.train)


def sample(driven: Driven, state: Mapping[str, Tensor], count: int, session: Session) -> Drawn:
    """Draw samples from it: clouds [count, t, q, 3], or meshes. Its own seed decides about all of them together."""
    with open_bench(driven, session, "sample") as bench:
        bench.values |= {"category": bytes(state["category"].numpy()).decode(), "count": str(count)}
        bench.values |= {"checkpoint": str(_restored(state, bench.work / "checkpoint"))}
        bench.write(Material(state["clouds"].numpy(), None, count, bench.category, bench.seed))
        found = bench.run_all(driven.specification.sample)
        last = driven.specification.sample[-1]
        return read_samples(found, count, state["training"], session, key=last.key or None, space=last.space)


def _as_state(path: Path) -> dict[str, Tensor]:
    """A file as two tensors of bytes, its name and its content."""
    return {"checkpoint.name": _as_bytes(path.name.encode()), "checkpoint": _as_bytes(path.read_bytes())}


def _as_bytes(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _restored(state: Mapping[str, Tensor], folder: Path) -> Path:
    """The inverse of ``_as_state``: the file, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / bytes(state["checkpoint.name"].numpy()).decode()
    path.write_bytes(bytes(state["checkpoint"].numpy()))
    return path
