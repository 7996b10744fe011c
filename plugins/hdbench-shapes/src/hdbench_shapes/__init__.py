"""Where shapes come from: procedural airplanes, cars and chairs, and folders of meshes."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl

_MADE = "procedural polygon soups, as ShapeNet has them; this project"


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The three procedural categories and the mesh folder."""
    return [
        Offer("shapes", "airplane", "hdbench_shapes.airplane:Airplanes", "Airplanes made by rule", _MADE),
        Offer("shapes", "car", "hdbench_shapes.car:Cars", "Cars, vans and trucks made by rule", _MADE),
        Offer("shapes", "chair", "hdbench_shapes.chair:Chairs", "Chairs made by rule", _MADE),
        Offer(
            "shapes", "meshes", "hdbench_shapes.meshes:MeshFolder",
            "A folder of OBJ, OFF, PLY, STL, GLB or glTF files", "files of the user",
        ),
    ]  # fmt: skip
