"""How well one surface stands for another: per-pair figures for the quality of encoders, on points of both.

Chamfer distance alone is blind to how points are spread (``density_aware``), to how many are right (``f_score``) and to which way
the surface faces (``normal_consistency``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hdbench.errors import HdbenchError

_TINY = 1e-6  # in the authors' code: keeps 1 / 0 away


def f_score(predicted: Any, truth: Any, tau: float) -> float:
    """Harmonic mean of precision and recall at the distance ``tau`` (in units of the clouds), 0..1, of clouds [q, 3] and [s, 3].

    Precision is the share of predicted points that are at most ``tau`` from the true surface, recall the reverse; 0 when both
    are 0. Source: Knapitsch et al. 2017, section 4; Tatarchenko et al. 2019.
    """
    a, b = _checked(predicted, truth)
    precision, recall = (float((_nearest(x, y)[0] <= tau).mean()) for x, y in ((a, b), (b, a)))
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def density_aware(a: Any, b: Any, alpha: float = 1000.0) -> float:
    """Density-aware Chamfer distance of clouds [q, 3] and [s, 3], 0..1: every point pairs with the nearest one of the other
    cloud, which counts the less, the more points have chosen it.

    ``alpha`` is one over a squared length. Source: Wu et al. 2021 (NeurIPS), equation 7, with the constant and the factor for
    clouds of unequal size of github.com/wutong16/Density_aware_Chamfer_Distance.
    """
    first, second = _checked(a, b)
    return (_one_way(first, second, alpha) + _one_way(second, first, alpha)) / 2


def normal_consistency(points: Any, normals: Any, other_points: Any, other_normals: Any) -> float:
    """Mean of |n . n'| over nearest points of two surfaces, both ways, 0..1; points and unit normals [q, 3] and [s, 3].

    1 when both face alike, or the opposite way; 1/2 for directions that are independent. Source: Mescheder et al. 2019.
    """
    a, b = _checked(points, other_points)
    n, m = _checked(normals, other_normals)
    there, back = np.abs((n * m[_nearest(a, b)[1]]).sum(1)), np.abs((m * n[_nearest(b, a)[1]]).sum(1))
    return float(there.mean() + back.mean()) / 2


def _one_way(a: NDArray[np.float64], b: NDArray[np.float64], alpha: float) -> float:
    distances, index = _nearest(a, b)
    chosen = np.bincount(index, minlength=len(b))[index]
    return float(np.mean(1 - np.exp(-alpha * distances**2) * (len(a) / len(b)) / (chosen + _TINY)))


def _nearest(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Distance of every point of ``a`` to the nearest of ``b``, and which one that is."""
    return cKDTree(b).query(a)


def _checked(*clouds: Any) -> list[NDArray[np.float64]]:
    arrays = [np.asarray(cloud, dtype=np.float64) for cloud in clouds]
    wrong = [list(x.shape) for x in arrays if x.ndim != 2 or x.shape[1] != 3 or len(x) == 0 or not np.isfinite(x).all()]
    if wrong:
        raise HdbenchError(f"Surfaces are compared by finite points [q, 3], at least one, but one of them is {wrong[0]}.")
    return arrays
