"""Fréchet distance between the Gaussians of two sets of features, and its extrapolation to infinitely many samples.

Sources: Dowson and Landau 1982 (the distance); Heusel et al. 2017 (of features); Chong and Forsyth 2020 (extrapolation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdbench.seeds import numpy_generator

Features = NDArray[np.float64]

_SIZES, _REPEATS, _SMALLEST_SHARE = 15, 4, 0.4


def frechet(first: Features, second: Features) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2) for features [n, d] and [m, d], covariances over n - 1; n, m >= 2.

    With S1 = A'A and S2 = B'B (A, B the centred features over the root of n - 1) the eigenvalues of S1 S2 are the squared
    singular values of A B', so the last trace is the sum of these. That needs no root of a matrix and is exact for n < d too.
    """
    a, b = _scaled(first), _scaled(second)
    shift = first.mean(0) - second.mean(0)
    root = np.linalg.svd(_reduced(a) @ _reduced(b).T, compute_uv=False).sum()
    return max(0.0, float(shift @ shift + (a**2).sum() + (b**2).sum() - 2 * root))


def frechet_infinity(first: Features, second: Features) -> float:
    """The distance at 1/n = 0, on the line through its values on n samples of each set; negative values are possible.

    Both sets are sub-sampled, without replacement: 15 sizes, evenly spaced in 1/n down to 0.4 of the smaller set, 4 times each.
    The sub-samples are seeded and do not depend on the order of the features. Needs 5 samples of each.
    """
    first, second = _sorted(first), _sorted(second)
    most = min(len(first), len(second))
    sizes = np.unique(np.round(1 / np.linspace(1 / most, 1 / (_SMALLEST_SHARE * most), _SIZES)).astype(int))
    rows = [(1 / n, _on_part(first, second, int(n), k)) for n in sizes for k in range(_REPEATS)]
    inverse, values = np.array(rows).T
    return float(np.polyfit(inverse, values, 1)[1])


def _on_part(first: Features, second: Features, count: int, repeat: int) -> float:
    parts = (x[numpy_generator("part", name, len(x), count, repeat).permutation(len(x))[:count]]
             for name, x in (("first", first), ("second", second)))  # fmt: skip
    return frechet(*parts)


def _sorted(features: Features) -> Features:
    """The rows in the order of their bytes: any order will do that depends on the rows alone."""
    return features[sorted(range(len(features)), key=lambda i: features[i].tobytes())]


def _scaled(features: Features) -> Features:
    return (features - features.mean(0)) / np.sqrt(len(features) - 1)


def _reduced(rows: Features) -> Features:
    """Fewer rows with the same product R'R, if there are more rows than columns."""
    return rows if len(rows) <= rows.shape[1] else np.asarray(np.linalg.qr(rows, mode="r"))
