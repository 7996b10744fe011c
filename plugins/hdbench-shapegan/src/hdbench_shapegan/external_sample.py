"""Run inside the authors' checkout: as many samples as are asked for, by the functions of their ``metrics.py``.

That script itself draws 1000, from a file of a fixed name. A sample without a surface is a cloud of zeros, as they have it.
"""

import argparse

import metrics
import numpy
import torch
from model.sdf_net import SDFNet
from util import device

parser = argparse.ArgumentParser()
parser.add_argument("--checkpoint", required=True)
parser.add_argument("--count", type=int, required=True)
parser.add_argument("--points", type=int, required=True)
parser.add_argument("--resolution", type=int, required=True)
parser.add_argument("--level", type=float, required=True)
parser.add_argument("--out", required=True)
given = parser.parse_args()

network = SDFNet(device=device)
network.load_state_dict(torch.load(given.checkpoint, map_location=device))
network.eval()
metrics.LEVEL = given.level
clouds = metrics.sample_point_clouds(network, given.count, given.points, voxel_resolution=given.resolution)
numpy.save(given.out, clouds.astype("float32"))
