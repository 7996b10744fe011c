"""What ``hdbench data check`` says of a path: what lies there, what some of it looks like, what is wrong, how it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from hdbench.data.looking import Looked
from hdbench.data.sightings import Seen


@dataclass(slots=True)
class Report:
    """``parts`` {train: 80, ...} and whether the data prescribe them; ``looked`` at shapes out of ``of``, None where there is
    more than one data set, or none. ``problems`` keep it from being used, ``remarks`` do not. ``use`` are command lines."""

    path: str
    seen: list[Seen] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    prescribed: bool = False
    looked: Looked | None = None
    of: int = 0
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    use: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "path": self.path,
            "usable": not self.problems,
            "data_sets": [_seen(seen) for seen in self.seen],
            "parts": self.parts,
            "split_prescribed": self.prescribed,
            "looked_at": None if self.looked is None else _looked(self.looked, self.of),
            "problems": self.problems,
            "remarks": self.remarks,
            "use": self.use,
        }


def _seen(seen: Seen) -> dict[str, Any]:
    sighting = seen.sighting
    return {
        "source": seen.source, "holds": seen.cls.holds, "data": seen.data, "layout": sighting.layout, "title": sighting.title,
        "shapes": sighting.count, "remarks": list(sighting.remarks),
    }  # fmt: skip


def _looked(looked: Looked, of: int) -> dict[str, Any]:
    return {
        "shapes": looked.count, "of": of, "usable": looked.usable, "left_out": looked.lost,
        "figures": figures(looked), "watertight": watertight(looked), "mended": dict(looked.mended),
    }  # fmt: skip


def figures(looked: Looked) -> dict[str, list[float]]:
    """{figure: [least, median, most]} of the shapes that were looked at."""
    return {name: [min(values), median(values), max(values)] for name, values in looked.figures.items() if name != "watertight"}


def watertight(looked: Looked) -> float | None:
    """The share of meshes that are, 0..1; None of clouds."""
    values = looked.figures.get("watertight")
    return sum(values) / len(values) if values else None
