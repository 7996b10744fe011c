"""Metrics that need no trained network: set metrics on distances, where points lie, variety, novelty, meshes and motion."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl

_ACHLIOPTAS = "Achlioptas et al. 2018, section 4"
_NNA = "Lopez-Paz and Oquab 2017; Yang et al. 2019 (PointFlow), section 5.1"
_MEEHAN = "Meehan, Chaudhuri and Dasgupta 2020"
_MMD_SUMMARY = "how far a reference shape is from the nearest generated one"
_COV_SUMMARY = "share of reference shapes that are the nearest of some generated one"
_NNA_SUMMARY = "how well a nearest-neighbour classifier tells generated from reference shapes"


def _metric(name: str, target: str, summary: str, source: str, when: str = "score") -> Offer:
    return Offer("metric", name, f"hdbench_set_metrics.{target}", summary, source, when=when)  # type: ignore[arg-type]


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The metrics; nothing heavy is imported until one is used."""
    return [*_on_chamfer(), *_on_earth_mover(), *_on_sets(), *_on_novelty(), *_on_meshes_and_motion()]


def _on_chamfer() -> list[Offer]:
    return [
        _metric("mmd-cd", "chamfer:MinimumMatchingDistance", _MMD_SUMMARY, _ACHLIOPTAS, "table"),
        _metric("cov-cd", "chamfer:Coverage", _COV_SUMMARY, _ACHLIOPTAS, "table"),
        _metric("1nna-cd", "chamfer:NearestNeighbourAccuracy", _NNA_SUMMARY, _NNA, "table"),
        _metric(
            "mmd-smp-cd", "chamfer:MatchingDistanceOfSamples", "how far a generated shape is from the nearest reference",
            "Yang et al. 2019 (PointFlow), released code",
        ),
    ]  # fmt: skip


def _on_earth_mover() -> list[Offer]:
    variants = {
        "emd": ("EarthMover", "by the exact Earth Mover's distance"),
        "emd-approx": ("Approximate", "by PointFlow's approximation of the Earth Mover's distance"),
        "emd-approx-squared": ("ApproximateSquared", "by PVD's and LION's approximation of the squared Earth Mover's distance"),
    }
    found = []
    for part, (cls, words) in variants.items():
        found += [
            _metric(f"mmd-{part}", f"emd:MinimumMatching{cls}", f"{_MMD_SUMMARY}, {words}", _ACHLIOPTAS, "asked"),
            _metric(f"cov-{part}", f"emd:Coverage{cls}", f"{_COV_SUMMARY}, {words}", _ACHLIOPTAS, "asked"),
            _metric(f"1nna-{part}", f"emd:Accuracy{cls}", f"{_NNA_SUMMARY}, {words}", _NNA, "asked"),
        ]
    return found


def _on_sets() -> list[Offer]:
    return [
        _metric("jsd", "jsd:JensenShannonDivergence", "how differently the two sets fill space", _ACHLIOPTAS),
        _metric(
            "vendi-cd", "vendi:Vendi", "how many different shapes were generated, against the reference",
            "Friedman and Dieng 2023, definition 3.1",
        ),
    ]  # fmt: skip


def _on_novelty() -> list[Offer]:
    return [
        _metric("zu", "novelty:DataCopying", "whether generated shapes are nearer to training shapes than test shapes", _MEEHAN),
        _metric("ct", "cells:CopyingInCells", "the same test as Z_U, in every part of shape space", _MEEHAN),
        _metric(
            "authpct", "novelty:AuthenticShare", "share of generated shapes that are not crowding a training shape",
            "Alaa et al. 2022, section 3.3",
        ),
        _metric("copies", "novelty:Copies", "share of generated shapes as near to a training shape as a copy is", _MEEHAN),
        _metric("novelty-cd", "novelty:NoveltyRatio", "distance to the nearest training shape, against test shapes", _MEEHAN),
        _metric(
            "weight-nn-ratio", "novelty:WeightRatio", "distance of generated weights to the nearest training weights",
            "Zeng et al. 2025 (arXiv 2506.07998)",
        ),
    ]  # fmt: skip


def _on_meshes_and_motion() -> list[Offer]:
    validity, motion = "hdbench/measures/validity.py", "hdbench/measures/motion.py"
    return [
        _metric("watertight", "meshes:Watertight", "share of generated meshes that are closed", validity),
        _metric("one-piece", "meshes:OnePiece", "share of generated meshes that hang together", validity),
        _metric("genus", "meshes:Genus", "how differently the two sets are distributed over genera", validity),
        _metric("volume", "meshes:Volume", "volume of generated meshes, against the reference", validity),
        _metric("motion-speed", "motion:MotionSpeed", "how fast generated sequences move, against the reference", motion),
        _metric("1nna-motion", "motion:MotionAccuracy", "how well a classifier tells generated from real motion", _NNA),
    ]
