"""Where a run folder of hdbench keeps its sets of shapes: samples of each method by draw, test and training shapes."""

from __future__ import annotations

from pathlib import Path

from hdbench.errors import HdbenchError
from hdbench.loading.wording import first_line
from hdbench.store import load_info, read_json

REFERENCE, TRAIN = "reference.safetensors", "train.safetensors"


def is_run(path: Path) -> bool:
    """Whether a folder was written by ``hdbench run``."""
    try:
        record = read_json(path / "run.json")
    except (HdbenchError, OSError, ValueError):  # whatever else is called run.json
        return False
    return isinstance(record, dict) and "identity" in record


def methods_of_run(folder: Path) -> dict[str, Path]:
    """{title: file of its draws [d, n, t, q, 3]} of the methods of a run, sorted by file. HdbenchError when there are none."""
    files = [path for path in sorted((folder / "clouds").glob("*.safetensors")) if path.name not in (REFERENCE, TRAIN)]
    if not files:
        raise HdbenchError(
            f"The run folder '{folder}' holds no clouds of samples: it was written by an older hdbench, or its run was stopped. "
            "Run its command again; nothing that is finished is computed twice."
        )
    return {_title(path): path for path in files}


def _title(path: Path) -> str:
    try:
        return str(load_info(path).get("title") or path.stem)
    except Exception as error:  # whatever a reader raises for a damaged file
        raise HdbenchError(f"'{path}' cannot be read: it is damaged ({first_line(error)}). Run its command again.") from None


def set_of_run(folder: Path, role: str) -> Path | None:
    """The file of the run's ``reference`` or ``train`` shapes, or None when it has none."""
    file = folder / "clouds" / (REFERENCE if role == "reference" else TRAIN)
    return file if file.is_file() else None
