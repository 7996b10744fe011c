"""The contract of a feature extractor, on clouds of ellipsoids and of needles."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Session
from hdbench.points import NORMALISATIONS
from hdbench.seeds import numpy_generator
from hdbench.testing import sets
from hdbench.testing.contract import ComponentContract

TOLERANCE = 1e-5  # of the features' spread: the rounding of a batch of another size


class FeaturesContract(ComponentContract):
    """Finite, of one width, blind to the order of points and to the rest of the batch, and able to tell shapes apart.

    ``points`` is the size of the clouds that it is tried on.
    """

    kind: ClassVar[str] = "features"
    points: ClassVar[int] = 256

    @cached_property
    def _clouds(self) -> NDArray[np.float32]:
        """Six ellipsoids and six needles [12, q, 3] in the extractor's normalisation."""
        raw = np.concatenate([sets.ellipsoids(6, self.points, "features").clouds, sets.needles(6, self.points).clouds])
        return NORMALISATIONS[self.subject().normalisation](raw)[:, 0]

    def _features(self, clouds: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.build().extract(clouds, Session(seed=0))

    def _same(self, found: NDArray[np.float64], wanted: NDArray[np.float64], rule: str) -> None:
        spread = self._features(self._clouds).std()
        gap = np.abs(found - wanted).max() / spread
        self.must(gap <= TOLERANCE, rule, f"features change by {gap:.1e} of their spread")

    def test_it_names_its_normalisation_and_its_fingerprint(self) -> None:
        name = self.subject().normalisation
        self.must(name in NORMALISATIONS, f"have a normalisation among {', '.join(NORMALISATIONS)}", f"it is {name!r}")
        first, second = self.build().fingerprint(), self.build().fingerprint()
        self.must(first and first == second, "have a fingerprint that stays", f"it is {first!r}, then {second!r}")

    def test_features_are_finite_vectors_of_one_width(self) -> None:
        found = self._features(self._clouds)
        fits = found.ndim == 2 and len(found) == len(self._clouds) and found.dtype == np.float64 and np.isfinite(found).all()
        self.must(fits, "give finite float64 features [n, d]", f"it gives {found.dtype} {found.shape}")
        none = self._features(self._clouds[:0])
        self.must(none.shape == (0, found.shape[1]), f"give [0, {found.shape[1]}] for no clouds", f"it gives {none.shape}")

    def test_the_rest_of_the_batch_does_not_count(self) -> None:
        alone = np.concatenate([self._features(self._clouds[k : k + 1]) for k in range(len(self._clouds))])
        self._same(alone, self._features(self._clouds), "be blind to the rest of the batch")

    def test_the_order_of_points_does_not_count(self) -> None:
        order = numpy_generator("order of points").permutation(self.points)
        self._same(self._features(self._clouds[:, order]), self._features(self._clouds), "be blind to the order of points")

    def test_it_tells_ellipsoids_from_needles(self) -> None:
        round_ones, needles = np.split(self._features(self._clouds), 2)
        gap = np.linalg.norm(round_ones.mean(0) - needles.mean(0))
        inside = max(np.linalg.norm(part - part.mean(0), axis=1).mean() for part in (round_ones, needles))
        self.must(gap > inside, "tell ellipsoids from needles", f"their means are {gap:.3g} apart, within a set {inside:.3g}")
