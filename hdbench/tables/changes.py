"""Tables 3 and 4 from what has been ablated: one setting, its values, and their differences to the default."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hdbench.config import digest, leaves
from hdbench.protocol import Protocol
from hdbench.registry import Registry
from hdbench.scoring.score import row_of
from hdbench.tables.paper import ABLATIONS, METHODS, paper_categories, paper_rows
from hdbench.tables.records import Record, command_for
from hdbench.tables.rows import Row

WANTED = {3: ("init=first", "init=random"), 4: ("pe=none",)}  # the cases of the paper's tables
METHOD = "hyperdiffusion"


def ablation_rows(table: int, records: Sequence[Record], protocol: Protocol, registry: Registry) -> list[Row]:
    """The rows of Table 3 (``init``) or 4 (positional encoding) by data set, the differences, and the paper's beside them."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.kind == "ablation" and any(_is_of(table, case) for case in _cases(record)):
            identity = digest(record.data.identity, record.preset, record.seeds, record.configuration)
            groups.setdefault(identity, []).append(record)
    rows: list[Row] = []
    seen = set()
    for group in groups.values():
        category = group[0].data.category
        rows += _ours(table, group)
        rows += paper_rows(category, table) if category not in seen else ()
        seen.add(category)
    for category in paper_categories(table):
        if category not in seen:
            rows += [*_all_not_run(table, category, protocol), *paper_rows(category, table)]
    return rows


def _cases(record: Record) -> list[Mapping[str, Any]]:
    return list(record.content["cases"])


def _is_of(table: int, case: Mapping[str, Any]) -> bool:
    """Whether a case changes this table's setting, and nothing else."""
    keys = [change.partition("=")[0].strip().rpartition(".")[2] for change in case["changes"]]
    return len(keys) == 1 and ABLATIONS.get(keys[0]) == table


def _ours(table: int, group: Sequence[Record]) -> Iterator[Row]:
    """The default, the cases of all folders of one default, what the paper has and these have not, and the differences."""
    record, seeds = group[-1], f"{len(group[-1].seeds)} seeds"
    heading = f"{record.data.label} ({record.preset}, {seeds})"
    method = str(record.rows[0]["method"])
    title = next((name for name, known in METHODS.items() if known == method), method)
    default = _default_of(table, record, method)
    yield _row(record, record.rows[0], f"{title} ({default}, default)", heading)
    done = {case["title"]: found for found in group for case in _cases(found) if _is_of(table, case)}
    for case, found in done.items():
        [row] = [row for row in found.rows if row["title"] == case]
        yield _row(found, row, f"{title} ({case})", heading)
    known = {_plain(case) for case in (default, *done)}
    for case in WANTED[table]:
        if _plain(case) not in known:
            note = command_for(record, [method], [case])
            yield Row(title=f"{title} ({case})", category=heading, values={}, origin="not run", note=note)
    for found in group:
        yield from _differences(found, {case for case, of in done.items() if of is found}, heading)


def _plain(case: str) -> str:
    """A case by its last key, with the words that mean the same: ``octaves=0`` is ``pe=none``."""
    key, _, value = case.partition("=")
    last = key.strip().rpartition(".")[2]
    return f"pe={'none' if value in ('0', 'none') else value}" if last in ("pe", "octaves") else f"{last}={value}"


def _default_of(table: int, record: Record, method: str) -> str:
    """Such as ``init=mean``: the first setting of the method that this table ablates."""
    for key, value in leaves(record.settings(method)):
        name = key.rpartition(".")[2]
        if ABLATIONS.get(name) == table:
            return f"{'pe' if name == 'octaves' else name}={value}"
    return "as it is"


def _row(record: Record, row: Mapping[str, Any], title: str, heading: str) -> Row:
    score = record.score(row["title"])
    if score is None:
        return Row(title=title, category=heading, values={}, origin="not run", note=f"failed: {row['failure']}")
    return row_of(title, score, category=heading, note=row["note"])


def _differences(record: Record, cases: set[str], heading: str) -> Iterator[Row]:
    """The paired differences as the ablation's own table has them."""
    place = record.folder / "table.json"
    rows = json.loads(place.read_text(encoding="utf-8"))["rows"] if place.is_file() else []
    for row in rows:
        if row["section"] == "difference" and row["title"].removesuffix(" - default") in cases:
            values = {name: (_number(row[name]), _number(row[f"{name}_half_width"])) for name in _columns(row)}
            yield Row(
                title=row["title"], category=heading, values=values, section="difference", protocol_hash=row["protocol_hash"]
            )


def _columns(row: Mapping[str, Any]) -> Iterable[str]:
    return [name.removesuffix("_half_width") for name in row if name.endswith("_half_width")]


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _all_not_run(table: int, category: str, protocol: Protocol) -> Iterator[Row]:
    keys = {case.partition("=")[0] for case in WANTED[table]}
    values = ",".join(case.partition("=")[2] for case in WANTED[table])
    other = () if protocol.name == "strict" else ("--protocol", protocol.name)
    command = shlex.join(["hdbench", "ablate", f"{keys.pop()}={values}", "--data", category, *other])
    for case in ("default", *WANTED[table]):
        yield Row(title=f"HyperDiffusion ({case})", category=category, values={}, origin="not run", note=command)
