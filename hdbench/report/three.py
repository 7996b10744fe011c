"""three.js, as trimesh carries it: the renderer of the report's shapes. Nothing is downloaded, nothing is copied into hdbench."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from hdbench.errors import HdbenchError

TEMPLATE = "viewer.html.template"
START, END = "<script>", "var camera,controls,scene"  # the libraries lie between: three.js, its controls and loaders (MIT)


@cache
def script() -> str:
    """The source of three.js (the global ``THREE``); HdbenchError when this trimesh carries it elsewhere."""
    try:
        with zipfile.ZipFile(io.BytesIO((files("trimesh") / "resources" / "templates" / "viewer.zip").read_bytes())) as archive:
            page = archive.read(TEMPLATE).decode()
    except (OSError, KeyError) as error:
        raise _elsewhere() from error
    head, _, rest = page.partition(START)
    source, end, _ = rest.partition(END)
    if not (head and end and "Three.js Authors" in source):
        raise _elsewhere()
    return source.replace("</script", "<\\/script")


def _elsewhere() -> HdbenchError:
    return HdbenchError(
        f"trimesh {version('trimesh')} does not carry three.js where the report looks for it. "
        f"Write the report without shapes to turn (--flat), or install trimesh 5."
    )
