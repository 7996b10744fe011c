"""The contract of a baseline, fitted to three spheres."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from hdbench.config import from_dict
from hdbench.interfaces import Baseline, Session, TrainingSet
from hdbench.sampling import evaluation_cloud
from hdbench.shapes import Mesh
from hdbench.testing.contract import ComponentContract, difference
from hdbench.testing.made import balls

SEED = 3
PRESETS = ("tiny", "small", "paper")


class BaselineContract(ComponentContract):
    """As many samples as were asked for, each decided by its own seed.

    ``frames`` are the lengths of sequences it can make; ``points`` is the size of the clouds it trains on.
    """

    kind: ClassVar[str] = "baseline"
    frames: ClassVar[tuple[int, ...]] = (1,)
    points: ClassVar[int] = 64

    def _training(self, frames: int) -> TrainingSet:
        shapes = {shape.name: shape for shape in balls(frames)}
        clouds = np.stack([evaluation_cloud(shape, self.points, seed=0) for shape in shapes.values()])
        return TrainingSet(tuple(shapes), torch.from_numpy(clouds), shapes.__getitem__)

    def _fit(self, frames: int, stray: int = 0) -> dict[str, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stray)
            return self.storable(self.build().fit(self._training(frames), Session(seed=SEED)), "its state")

    def _sample(self, state: dict[str, Tensor], count: int, stray: int = 0) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stray)
            baseline: Baseline = self.build()
            return baseline.sample(state, count, Session(seed=SEED))

    def test_it_says_what_it_produces(self) -> None:
        produces = self.subject().produces
        self.must(produces in ("meshes", "clouds"), "produce 'meshes' or 'clouds'", f"it says {produces!r}")

    def test_it_says_how_its_row_is_obtained(self) -> None:
        baseline: Baseline = self.build()
        self.must(baseline.row().strip(), "give its row a title", "it is empty")
        self.must("\n" not in baseline.provenance(), "say in one paragraph how its row is obtained", "there are several lines")
        self.must(baseline.fingerprint() == self.build().fingerprint(), "have a fingerprint that stays", "a second one differs")

    def test_its_presets_are_settings_of_its_config(self) -> None:
        presets = self.subject().presets
        strange = sorted(set(presets) - set(PRESETS))
        self.must(not strange, f"name its presets {', '.join(PRESETS)}", f"it has {strange}")
        for name, settings in presets.items():
            try:
                from_dict(self.subject().Config(), settings)
            except Exception as error:
                raise AssertionError(f"{self.title} must have a preset '{name}' of its own settings: {error}") from error

    def test_it_gives_as_many_samples_as_were_asked_for(self) -> None:
        for frames in self.frames:
            state = self._fit(frames)
            for count in (1, 4):
                drawn = self._sample(state, count)
                self.must(len(drawn) == count, f"give {count} samples when {count} are asked for", f"it gives {len(drawn)}")
                check = self._check_clouds if self.subject().produces == "clouds" else self._check_meshes
                check(drawn, frames)

    def _check_clouds(self, drawn: Any, frames: int) -> None:
        fits = isinstance(drawn, Tensor) and drawn.dim() == 4 and drawn.shape[1] == frames and drawn.shape[3] == 3
        found = f"they are {list(drawn.shape) if isinstance(drawn, Tensor) else type(drawn).__name__}"
        self.must(fits, f"give clouds [count, t, q, 3] with t = {frames}", found)
        empty, finite = drawn.isnan().flatten(1).all(1), drawn.isfinite().flatten(1).all(1)
        self.must((empty | finite).all(), "give clouds that are finite, or nan altogether when empty", "some are neither")

    def _check_meshes(self, drawn: Any, frames: int) -> None:
        fits = all(len(meshes) == frames and all(isinstance(mesh, Mesh) for mesh in meshes) for meshes in drawn)
        self.must(fits, f"give tuples of {frames} meshes", "some are others")
        finite = all(bool(np.isfinite(mesh.vertices).all()) for meshes in drawn for mesh in meshes)
        self.must(finite, "give finite vertices", "some are not")

    def test_fitting_is_decided_by_the_seed(self) -> None:
        for frames in self.frames:
            differ = difference(self._fit(frames, stray=1), self._fit(frames, stray=2))
            self.must(not differ, "fit to the same bits for the same session seed", f"these differ: {differ}")

    def test_sampling_is_decided_by_the_seed(self) -> None:
        for frames in self.frames:
            state = self._fit(frames)
            gap = _gap(self._sample(state, 3, stray=1), self._sample(state, 3, stray=2))
            self.must(gap == 0, "give the same samples for the same session seed", f"a second time is {gap:.2g} off")

    def test_a_sample_does_not_depend_on_how_many_there_are(self) -> None:
        for frames in self.frames:
            state = self._fit(frames)
            few, many = self._sample(state, 2), self._sample(state, 5)
            gap = _gap(few, many[:2])
            self.must(gap <= 1e-6, "give a sample j that does not depend on the count", f"2 of 2 and 2 of 5 are {gap:.2g} apart")


def _gap(first: Any, second: Any) -> float:
    """The largest difference of two lists of samples; infinite when they are of another form."""
    return max((_distance(a, b) for x, y in zip(first, second) for a, b in zip(_arrays(x), _arrays(y))), default=0.0)


def _arrays(sample: Any) -> list[np.ndarray]:
    if isinstance(sample, Tensor):
        return [sample.numpy()]
    return [part for mesh in sample for part in (mesh.vertices, mesh.faces)]


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    return float(np.nanmax(np.abs(a.astype(np.float64) - b), initial=0.0))
