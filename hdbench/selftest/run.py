"""The whole audit: metrics by name -> an Audit."""

from __future__ import annotations

from collections.abc import Sequence

from hdbench.interfaces import Metric
from hdbench.progress import Reporter
from hdbench.registry import Registry
from hdbench.selftest.base import Size, make_base
from hdbench.selftest.curves import Curves, measure_curves, steps
from hdbench.selftest.report import Audit
from hdbench.selftest.vectors import check_vectors
from hdbench.selftest.verdicts import verdicts

FULL, QUICK = Size(), Size(points=512, emd_points=64)
SEQUENCES = Size(shapes=40, training=120, worse=1, points=256, frames=4)  # metrics of motion are few, and far above their noise
SLOW = ("emd", "features/")  # parts that take longer than all others together, by the start of their names


def audit(
    registry: Registry, names: Sequence[str], quick: bool, reporter: Reporter, size: Size | None = None, device: str = "cpu"
) -> Audit:
    """Known answers first, then the curves: metrics of motion on sequences, all others on single shapes. Deterministic, whatever
    the number of threads."""
    metrics, size = [built(registry, name) for name in names], size or (QUICK if quick else FULL)
    checked = check_vectors(metrics)
    moving = [metric for metric in metrics if "motion" in metric.reads]
    others = [metric for metric in metrics if metric not in moving]
    curves = [_curves(registry, part, on, reporter, device) for part, on in ((others, size), (moving, SEQUENCES)) if part]
    found = [verdict for part in curves for verdict in verdicts(part)]
    not_tried = {name: why for part in curves for name, why in part.not_tried.items()}
    return Audit(checked, found, not_tried, size, size.protocol(), SEQUENCES if moving else None)


def _curves(registry: Registry, metrics: Sequence[Metric], size: Size, reporter: Reporter, device: str) -> Curves:
    kind = "shapes" if size.frames == 1 else "sequences"
    with reporter.stage(kind, size.total, 0) as progress:
        base = make_base(registry, size, progress=progress)
    with reporter.stage(f"{kind}: curves", steps(base), 0) as progress:
        return measure_curves(metrics, base, size.protocol(), progress, device)


def skipped(registry: Registry, names: Sequence[str], quick: bool) -> dict[str, str]:
    """{metric that an audit of all leaves out: why}: those that must be asked for and, in a quick one, those that take long."""
    found = {}
    for name in names:
        if registry.find("metric", name).offer.when == "asked":
            found[name] = "computed only when asked for: --metric NAME"
        elif quick and any(part.startswith(SLOW) for part in built(registry, name).reads):
            found[name] = "not quick: leave out --quick, or ask with --metric NAME"
    return found


def built(registry: Registry, name: str) -> Metric:
    """The metric of this name with its default settings."""
    cls = registry.resolve("metric", name)
    return cls(cls.Config())
