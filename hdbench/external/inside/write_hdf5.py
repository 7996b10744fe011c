"""Copy a folder of arrays into an HDF5 file: FOLDER/GROUP/NAME.npy becomes the data set GROUP/NAME.

Usage: write_hdf5.py FOLDER FILE
"""

import os
import sys

import h5py
import numpy


def main(folder, target):
    with h5py.File(target, "w") as file:
        for group in sorted(os.listdir(folder)):
            for name in sorted(os.listdir(os.path.join(folder, group))):
                array = numpy.load(os.path.join(folder, group, name))
                file.create_dataset(group + "/" + name[: -len(".npy")], data=array)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
