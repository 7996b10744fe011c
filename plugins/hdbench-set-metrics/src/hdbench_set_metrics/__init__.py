"""Set metrics on Chamfer distances, as the tables of HyperDiffusion print them: MMD, COV and 1-NNA."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """Three metrics; nothing heavy is imported until one is used."""
    module = "hdbench_set_metrics.chamfer"
    return [
        Offer(
            "metric", "mmd-cd", f"{module}:MinimumMatchingDistance",
            "how far a reference shape is from the nearest generated one", "Achlioptas et al. 2018, section 4",
        ),
        Offer(
            "metric", "cov-cd", f"{module}:Coverage",
            "share of reference shapes that are the nearest of some generated one", "Achlioptas et al. 2018, section 4",
        ),
        Offer(
            "metric", "1nna-cd", f"{module}:NearestNeighbourAccuracy",
            "how well a nearest-neighbour classifier tells generated from reference shapes",
            "Lopez-Paz and Oquab 2017; Yang et al. 2019 (PointFlow), section 5.1",
        ),
    ]  # fmt: skip
