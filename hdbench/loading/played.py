"""GLB files that hold a sequence each, as runs write them (``hdbench.glb``): a node per frame, shown one after the other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from struct import unpack

from hdbench.errors import HdbenchError
from hdbench.interfaces import ShapeSource
from hdbench.loading.listing import Listing
from hdbench.loading.wording import some
from hdbench.registry import Registry

_FRAME = re.compile(r"frame_(\d+)")


def frames_in_files(listing: Listing) -> int:
    """How many frames every file of a folder plays; 1 for meshes. HdbenchError when some play and others do not, or longer."""
    counts = {path: _frames_of(path) for path in listing.files}
    most = max(counts.values())
    other = [f"'{listing.name(path)}' ({count})" for path, count in counts.items() if count != most]
    if other:
        raise HdbenchError(
            f"Files in '{listing.folder}' hold sequences of {most} frames, but {len(other)} of {len(counts)} have another "
            f"number: {some(other)}. Give sequences of one length."
        )
    return most


def _frames_of(path: Path) -> int:
    if path.suffix.lower() != ".glb":
        return 1
    numbers = [int(found[1]) for name in _node_names(path) if (found := _FRAME.fullmatch(name))]
    return max(numbers) + 1 if len(numbers) > 1 else 1


def _node_names(path: Path) -> list[str]:
    """Names in the JSON chunk of a GLB file (glTF 2.0, section 4.4); none of a broken file, which is told when it is read."""
    with path.open("rb") as file:
        head = file.read(20)
        if len(head) < 20 or head[:4] != b"glTF":
            return []
        [length] = unpack("<I", head[12:16])
        try:
            nodes = json.loads(file.read(length)).get("nodes", [])
            return [str(node.get("name", "")) for node in nodes]
        except (ValueError, AttributeError):
            return []


def source_of_sequences(listing: Listing, frames: int) -> ShapeSource:
    """The source of shapes that reads them, found by the registry."""
    source_class = Registry().load().resolve("shapes", "animations")
    found: ShapeSource = source_class(source_class.Config(path=str(listing.folder), frames=frames))
    return found
