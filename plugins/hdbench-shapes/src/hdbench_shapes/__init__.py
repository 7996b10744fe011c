"""Where shapes come from: procedural airplanes, cars, chairs and moving animals; data sets and folders of files."""

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
            "shapes", "shapenet", "hdbench_shapes.shapenet:ShapeNet",
            "One category of ShapeNet: v1, v2, or as HyperDiffusion processed it",
            "Chang et al. 2015; Rgtemze/HyperDiffusion@fd2c581; files of the user",
        ),
        Offer(
            "shapes", "pc15k", "hdbench_shapes.pc15k:PC15K", "PointFlow's clouds: SYNSET/{train,val,test}/ID.npy",
            "Yang et al. 2019; stevenygd/PointFlow@26e8c26; files of the user",
        ),
        Offer(
            "shapes", "hdf5", "hdbench_shapes.hdf5:HDF5", "DPC's clouds: SYNSET/{train,val,test} in an HDF5 file",
            "Luo and Hu 2021; luost26/diffusion-point-cloud@b037c5f; files of the user",
        ),
        Offer(
            "shapes", "clouds", "hdbench_shapes.cloud_folder:CloudFolder",
            "A folder of clouds, one .npy file each, as HyperDiffusion's reference clouds", "files of the user",
        ),
        Offer(
            "shapes", "meshes", "hdbench_shapes.meshes:MeshFolder",
            "A folder of OBJ, OFF, PLY, STL, GLB or glTF files", "files of the user",
        ),
    ]  # fmt: skip
