"""Where shapes come from: procedural airplanes, cars, chairs and moving animals; folders of meshes and of sequences."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl

_MADE = "procedural polygon soups, as ShapeNet has them; this project"


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The procedural categories and the folders."""
    return [
        Offer("shapes", "airplane", "hdbench_shapes.airplane:Airplanes", "Airplanes made by rule", _MADE),
        Offer("shapes", "car", "hdbench_shapes.car:Cars", "Cars, vans and trucks made by rule", _MADE),
        Offer("shapes", "animals", "hdbench_shapes.animals.animals:Animals", "Moving animals made by rule", _MADE),
        Offer("shapes", "chair", "hdbench_shapes.chair:Chairs", "Chairs made by rule", _MADE),
        Offer(
            "shapes", "anime", "hdbench_shapes.anime:Anime", "DeformingThings4D: a folder of NAME/NAME.anime sequences",
            "Li et al. 2021; files of the user",
        ),
        Offer(
            "shapes", "animations", "hdbench_shapes.animations:Animations", "A folder of animated GLB or glTF files",
            "Khronos, glTF 2.0; files of the user",
        ),
        Offer(
            "shapes", "meshes", "hdbench_shapes.meshes:MeshFolder",
            "A folder of OBJ, OFF, PLY, STL, GLB or glTF files", "files of the user",
        ),
    ]  # fmt: skip
