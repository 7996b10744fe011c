"""A reference as a small JSON file: what a run is held against, readable, with a line per value, so that a change is seen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hdbench.errors import HdbenchError
from hdbench.gate.measured import Gated, Measured, Shapes
from hdbench.protocol import Protocol
from hdbench.scoring.intervals import Estimate
from hdbench.tables.rows import Column

FORMAT = 1
DIGITS = 6  # significant digits of the numbers in the file
ESTIMATE = ("value", "half_width", "subsampling_sd", "draws_sd", "draws_df", "generated_sd")
ABOUT = ("name", "version", "seeds", "commands", "commits", "libraries", "machine", "gated")


def to_json(reference: Measured) -> str:
    """The file's text: numbers to six digits, nan as null, infinity as ``inf``."""
    content = {
        "format": FORMAT,
        "kind": "reference",
        **{name: getattr(reference, name) for name in ABOUT},
        "calibration_seconds": _short(reference.calibration_seconds),
        "protocol": {**asdict(reference.protocol), "hash": reference.protocol.hash, "sentence": reference.protocol.sentence()},
        "shapes": asdict(reference.shapes),
        "columns": [asdict(column) for column in reference.columns],
        "rows": [_row_to_plain(row) for row in reference.rows],
        "timings": {label: _short(seconds) for label, seconds in reference.timings.items()},
    }
    return _packed(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)) + "\n"


def _row_to_plain(row: Gated) -> dict[str, Any]:
    estimates = {
        name: {part: _short(getattr(e, part)) for part in ESTIMATE}
        | {"shapes": e.shapes}
        | ({"replicates": [[_short(x) for x in pair] for pair in e.replicates]} if e.replicates else {})
        for name, e in row.estimates.items()
    }
    return {**{name: getattr(row, name) for name in ("title", "method", "settings", "count", "draws", "requested", "empty")},
            "failure": row.failure, "estimates": estimates}  # fmt: skip


def _short(value: float) -> Any:
    return None if math.isnan(value) else ("inf" if value > 0 else "-inf") if math.isinf(value) else float(f"{value:.{DIGITS}g}")


def _packed(text: str) -> str:
    """Lists of numbers and of names on one line each, so that a change shows as a line."""
    lines: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        if lines and lines[-1].rstrip().endswith("[") and not bare.endswith(("[", "{")):
            lines[-1] += bare
        elif lines and _is_open_list(lines[-1]) and not bare.endswith(("[", "{")):
            lines[-1] += f"{'' if bare.startswith(']') else ' '}{bare}"
        else:
            lines.append(line)
    return "\n".join(lines)


def _is_open_list(line: str) -> bool:
    """Whether a line holds the beginning of a list of plain values."""
    return line.count("[") > line.count("]") and not line.rstrip().endswith("[")


def read(path: Path) -> Measured:
    """A reference from its file. Raises HdbenchError for what is none."""
    if not path.is_file():
        raise HdbenchError(f"There is no reference file '{path}'. 'hdbench check RUN --save {path}' writes one.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise HdbenchError(f"'{path}' is not JSON ({error}). Write it again with 'hdbench check RUN --save {path}'.") from None
    if not isinstance(content, dict) or content.get("kind") != "reference":
        raise HdbenchError(f"'{path}' is no reference. 'hdbench check RUN --save FILE' writes one.")
    if content["format"] != FORMAT:
        raise HdbenchError(
            f"The reference '{path}' has format {content['format']}, this hdbench reads format {FORMAT}. "
            "Write it again with --save."
        )
    return _from_plain(content, path)


def _from_plain(content: Mapping[str, Any], path: Path) -> Measured:
    recorded = dict(content["protocol"])
    said, _ = recorded.pop("hash"), recorded.pop("sentence")
    try:
        protocol = Protocol(**recorded)
    except TypeError:
        protocol = None  # type: ignore[assignment]
    if protocol is None or protocol.hash != said:
        raise HdbenchError(
            f"The reference '{path}' is of another version of hdbench (its protocol has the hash {said}). "
            "Write it again with --save."
        )
    shapes = {**content["shapes"], **{k: tuple(content["shapes"][k]) for k in ("counts", "test_names")}}
    return Measured(
        name=content["name"],
        version=content["version"],
        libraries=content["libraries"],
        machine=content["machine"],
        timings=content["timings"],
        seeds=tuple(content["seeds"]),
        commands=tuple(content["commands"]),
        commits=tuple(content["commits"]),
        gated=tuple(content["gated"]),
        protocol=protocol,
        shapes=Shapes(**shapes),
        columns=tuple(Column(**{**column, "details": tuple(column["details"])}) for column in content["columns"]),
        rows=tuple(_row_from_plain(row) for row in content["rows"]),
        calibration_seconds=_long(content["calibration_seconds"]),
    )


def _row_from_plain(row: Mapping[str, Any]) -> Gated:
    estimates = {name: _estimate_from_plain(e) for name, e in row["estimates"].items()}
    return Gated(**{**row, "estimates": estimates})


def _estimate_from_plain(plain: Mapping[str, Any]) -> Estimate:
    pairs = tuple((float(half), float(quarter)) for half, quarter in plain.get("replicates", ()))
    return Estimate(**{part: _long(plain[part]) for part in ESTIMATE}, shapes=plain["shapes"], replicates=pairs)


def _long(value: Any) -> float:
    return math.nan if value is None else float(value)
