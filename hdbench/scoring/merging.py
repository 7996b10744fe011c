"""One estimate from several trainings of one configuration, scored on one reference: the mean over seeds, and its interval.

With the replicates at hand the seeds are draws of which every one has a training of its own (``intervals.estimate``). Without
them the parts of the single intervals are put together: what the reference set adds is common to all seeds and does not
average out; what seeds differ by more than finite sets explain is the trainings' share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hdbench.scoring.intervals import Estimate, _half_width, _Spread, estimate
from hdbench.scoring.replicates import Replicates


def merged(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of one column over seeds; a single seed's as it is. Equal weights, so every seed must have as many draws."""
    if len(estimates) == 1:
        return estimates[0]
    values, shapes = [e.value for e in estimates], min(e.shapes for e in estimates)
    counts = {len(e.replicates) for e in estimates}
    if counts == {0} or len(counts) > 1:
        return _of_parts(values, estimates, shapes)
    contrasts = np.array([e.replicates for e in estimates])  # [s, 3 p, 2]
    return estimate(values, Replicates({"": contrasts}, shapes), "")


def _of_parts(values: Sequence[float], estimates: Sequence[Estimate], shapes: int) -> Estimate:
    """Without replicates; no width (nan) where a seed has none."""
    mean, count = float(np.mean(values)), len(values)
    if not all(math.isfinite(e.half_width) and math.isfinite(e.subsampling_sd) for e in estimates):
        return Estimate(value=mean, half_width=math.nan, shapes=shapes)
    sampling = float(np.mean([e.subsampling_sd**2 for e in estimates]))
    explained = float(np.mean([0.0 if math.isnan(e.generated_sd) else e.generated_sd**2 for e in estimates])) / count
    spread = _Spread(float(np.var(values, ddof=1)) / count, count - 1, explained)
    return Estimate(
        value=mean,
        half_width=_half_width(sampling, spread, shapes),
        subsampling_sd=math.sqrt(sampling),
        draws_sd=math.sqrt(spread.found),
        draws_df=spread.df,
        generated_sd=math.sqrt(explained),
        shapes=shapes,
    )
