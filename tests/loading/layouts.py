"""Every layout in which a set of clouds is found on disk, each written by a function of the same name."""

from __future__ import annotations

import numpy as np
import torch
from cloud_files import Q
from safetensors.numpy import save_file as save_numpy


def npz(path, array):
    np.savez(path.with_suffix(".npz"), samples=array)
    return path.with_suffix(".npz")


def npz_compressed(path, array):
    np.savez_compressed(path.with_suffix(".npz"), labels=np.zeros(len(array)), pc=array)
    return path.with_suffix(".npz")


def npy(path, array):  # DPC's out.npy
    np.save(path.with_suffix(".npy"), array)
    return path.with_suffix(".npy")


def npy_double(path, array):  # ShapeGAN's generated_point_cloud_sample.npy
    return npy(path, array.astype(np.float64))


def npy_fortran(path, array):
    return npy(path, np.asfortranarray(array))


def npy_big_endian(path, array):
    return npy(path, array.astype(">f4"))


def no_ending(path, array):
    npy(path, array).rename(path)
    return path


def pth(path, array):  # PVD's samples.pth
    torch.save(torch.from_numpy(array), path.with_suffix(".pth"))
    return path.with_suffix(".pth")


def pth_before_1_6(path, array):
    torch.save(torch.from_numpy(array), path.with_suffix(".pth"), _use_new_zipfile_serialization=False)
    return path.with_suffix(".pth")


def pt_dict(path, array):  # LION's ref_val_*.pt
    torch.save({"ref": torch.from_numpy(array), "mean": torch.zeros(len(array), 1, 3), "std": torch.ones(len(array), 1, 1)}, path)
    return path


def pt_nested(path, array):
    torch.save({"epoch": 3, "results": {"pred": torch.from_numpy(array).requires_grad_()}}, path)
    return path


def pt_list(path, array):
    torch.save([torch.from_numpy(cloud.copy()) for cloud in array], path)
    return path


def npz_of_shapes(path, array):
    np.savez(path.with_suffix(".npz"), *array)
    return path.with_suffix(".npz")


def safetensors(path, array):
    save_numpy({"clouds": array, "noise": np.zeros((4, 4), np.float32)}, path)
    return path


def channels_first(path, array):
    return npy(path, np.ascontiguousarray(array.swapaxes(1, 2)))


def with_normals(path, array):
    return npy(path, np.concatenate([array, np.zeros_like(array)], -1))


def channels_first_with_normals(path, array):
    return npy(path, np.concatenate([array, np.zeros_like(array)], -1).swapaxes(1, 2))


def with_occupancy(path, array):
    return npy(path, np.concatenate([array, np.ones_like(array[..., :1])], -1))


def folder_of_npy(path, array):  # PC15k
    path.mkdir()
    for index, cloud in enumerate(array):
        np.save(path / f"{index:03d}.npy", cloud)
    return path


def folder_of_listed_npy(path, array):  # HyperDiffusion's ID.obj.npy
    folder_of_npy(path, array)
    for file in sorted(path.iterdir()):
        file.rename(file.with_suffix(".obj.npy"))
    return path


def folder_of_npz(path, array):  # occupancy networks' pointcloud.npz
    for index, cloud in enumerate(array):
        (path / f"{index:03d}").mkdir(parents=True)
        np.savez(path / f"{index:03d}" / "pointcloud.npz", points=cloud, normals=cloud, loc=np.zeros(3), scale=1.0)
    return path


def folder_of_pt(path, array):
    path.mkdir()
    for index, cloud in enumerate(array):
        torch.save(torch.from_numpy(cloud.copy()), path / f"{index:03d}.pt")
    return path


def folder_of_text(ending, separator=" ", head="", foot=""):
    def write(path, array):
        path.mkdir()
        for index, cloud in enumerate(array):
            lines = [separator.join(repr(float(x)) for x in point) for point in cloud]
            (path / f"{index:03d}.{ending}").write_text("\n".join([*filter(None, [head]), *lines, foot]))
        return path

    return write


def folder_of_ply(path, array):
    import trimesh

    path.mkdir()
    for index, cloud in enumerate(array):
        (path / f"{index:03d}.ply").write_bytes(trimesh.PointCloud(cloud).export(file_type="ply"))
    return path


def folder_of_one_array(path, array):  # DPC's results folder
    path.mkdir()
    (path / "log.txt").write_text("loss 3\n")
    np.save(path / "out.npy", array)
    return path


LAYOUTS = {f.__name__: f for f in (
    npz, npz_compressed, npy, npy_double, npy_fortran, npy_big_endian, no_ending, pth, pth_before_1_6, pt_dict, pt_nested,
    pt_list, npz_of_shapes, safetensors, channels_first, with_normals, channels_first_with_normals, with_occupancy, folder_of_npy,
    folder_of_listed_npy, folder_of_npz, folder_of_pt, folder_of_ply, folder_of_one_array,
)} | {
    "xyz": folder_of_text("xyz"), "pts": folder_of_text("pts", head=str(Q)), "modelnet txt": folder_of_text("txt", ","),
    "csv": folder_of_text("csv", ",", "x,y,z"),
    "pts landmarks": folder_of_text("pts", head="version: 1\nn_points: 64\n{", foot="}"),
    "comments": folder_of_text("xyz", "\t", "# x y z\n\n// units: m"),
}  # fmt: skip
