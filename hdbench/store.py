"""Where results are kept: stages by content hash, in parts that survive a kill.

A stage is a pure function of its configuration, its inputs, its code, the versions of the libraries and the seed, and lives in a
folder named by the hash of those. Its parts are safetensors files that appear whole or not at all; ``done.json`` closes it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdbench.errors import HdbenchError
from hdbench.plain import plain

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1  # of run folders and of the store


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder of the store: what it was computed from (key), and its parts, of which there are ``count`` when all are there."""

    path: Path
    name: str
    key: str
    count: int

    def part(self, index: int) -> Path:
        """The file of one part."""
        return self.path / f"part-{index:05d}.safetensors"

    def checkpoint(self, index: int) -> Path:
        """Where a part in progress keeps its state."""
        return self.path / f"checkpoint-{index:05d}.safetensors"

    @property
    def record(self) -> dict[str, Any] | None:
        """What ``done.json`` says, or None while the stage is not complete."""
        return read_json(self.path / "done.json")

    def parts(self) -> list[Path]:
        """All part files, in order, whether they are there yet or not."""
        return [self.part(index) for index in range(self.count)]


class Store:
    """The folder that holds all stages. Raises HdbenchError when it was written by another version of hdbench."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        found = read_json(root / "format.json")
        if found is not None and found.get("format") != FORMAT:
            raise HdbenchError(
                f"The store '{root}' has format {found.get('format')}, this hdbench writes format {FORMAT}. "
                f"Choose another folder with --out, or remove this one."
            )
        if found is None:
            write_json(root / "format.json", {"format": FORMAT})

    def stage(self, name: str, inputs: Mapping[str, Any], count: int = 1) -> Stage:
        """The stage of ``count`` parts with these inputs (plain values), new or as it was left."""
        text = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
        key = hashlib.sha256(text.encode()).hexdigest()[:20]
        return Stage(self.root / f"{name}-{key}", name, key, count)

    def alone(self, stage: Stage) -> threading.Lock:
        """The lock under which a stage is computed: who needs it meanwhile waits, and does not compute it again."""
        return self._locks[stage.path.name]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; a full disk is a user's problem, not a bug."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HdbenchError(
                f"The disk is full: '{path}' could not be written. What is finished is kept; "
                f"free some space, or choose another folder with --out, and run the same command again."
            ) from None
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EPERM):
            raise HdbenchError(f"'{path}' cannot be written ({error.strerror}). Choose another folder with --out.") from None
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON, readable and stable, that every reader takes: see ``hdbench.plain`` for nan and infinity."""
    write_atomically(path, (json.dumps(plain(value), indent=2, sort_keys=True, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """The content of a JSON file, or None if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except json.JSONDecodeError as error:
        raise HdbenchError(f"'{path}' is damaged ({error}). Remove it and run the same command again.") from None


def save_tensors(path: Path, tensors: Mapping[str, Tensor], info: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header of plain values."""
    from safetensors.torch import save

    write_atomically(path, save(_unshared(tensors), metadata={"info": json.dumps(info, sort_keys=True)}))


def _unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous CPU tensors of which no two share memory (safetensors refuses those)."""
    seen: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        storage = plain.untyped_storage().data_ptr()
        result[name] = plain.clone() if storage in seen else plain
        seen.add(storage)
    return result


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a part."""
    from safetensors.torch import load_file

    return load_file(path)


def load_info(path: Path) -> dict[str, Any]:
    """The plain values of a part, without reading its tensors."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return json.loads((file.metadata() or {}).get("info", "{}"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of tensors that stages have stored, in an order of one's own: files, and (file, row) of each."""

    files: tuple[Path, ...]
    rows: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, places: Sequence[tuple[Path, int]]) -> Rows:
        """The rows at these (file, row) places."""
        files = tuple(dict.fromkeys(path for path, _ in places))
        index = {path: k for k, path in enumerate(files)}
        return cls(files, tuple((index[path], row) for path, row in places))

    def __len__(self) -> int:
        return len(self.rows)

    def names(self) -> list[str]:
        """The tensors that all of the files have."""
        from safetensors import safe_open

        found = []
        for path in self.files:
            with safe_open(path, framework="pt") as file:
                found.append(set(file.keys()))
        return sorted(set.intersection(*found)) if found else []

    def load(self, name: str) -> Tensor:
        """The rows of the tensor ``name``, [n, ...], in their order."""
        import torch

        stored = [load_tensors(path)[name] for path in self.files]
        return torch.stack([stored[file][row] for file, row in self.rows])


def file_digest(paths: list[Path]) -> str:
    """One hex digest over the contents of files, in order."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
