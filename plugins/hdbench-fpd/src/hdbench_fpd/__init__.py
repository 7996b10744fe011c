"""Fréchet and kernel point-cloud distances, precision, recall, density and coverage on PointNet++ features."""

from __future__ import annotations

from collections.abc import Iterable

import click

from hdbench.hookspecs import Offer, hookimpl

_NET = "Qi et al. 2017, section 3"
_METRICS = (
    ("fpd", "FrechetPointCloudDistance", "Fréchet distance between features", "Shu et al. 2019; Heusel et al. 2017"),
    ("fpd-inf", "FrechetAtInfinity", "FPD extrapolated to infinitely many shapes", "Chong and Forsyth 2020"),
    ("kpd", "KernelPointCloudDistance", "kernel distance between features", "Binkowski et al. 2018"),
    ("precision", "Precision", "share of generated shapes near the reference", "Kynkaanniemi et al. 2019"),
    ("recall", "Recall", "share of reference shapes near a generated one", "Kynkaanniemi et al. 2019"),
    ("density", "Density", "in how many reference balls a generated shape lies", "Naeem et al. 2020"),
    ("coverage", "Coverage", "share of reference balls that hold a generated shape", "Naeem et al. 2020"),
)


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """Two extractors, and seven metrics on each; nothing heavy is imported until one is used."""
    extractors = "hdbench_fpd.extractors"
    yield Offer(
        "features", "procedural", f"{extractors}:ProceduralFeatures", "PointNet++, trained by this project; embedded", _NET
    )
    yield Offer("features", "modelnet40", f"{extractors}:ModelNet40Features", "PointNet++ of a checkpoint that you add", _NET)
    for name, target, summary, source in _METRICS:
        yield Offer(
            "metric", f"{name}[procedural]", f"hdbench_fpd.metrics:{target}", summary, source,
            when="table" if name == "fpd" else "score",
        )  # fmt: skip
        yield Offer(
            "metric", f"{name}[modelnet40]", f"hdbench_fpd.metrics:{target}ModelNet40", f"{summary}, ModelNet40 weights", source,
            when="asked",
        )  # fmt: skip


@hookimpl
def hdbench_commands() -> list[click.Command]:
    """``hdbench weights``."""
    from hdbench_fpd.command import weights

    return [weights]
