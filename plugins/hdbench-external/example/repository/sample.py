"""Samples: a training cloud each, as large as another one."""

import argparse

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--num", type=int, default=16)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", default="out.npy")
args = parser.parse_args()

model = np.load(args.model)
samples = []
for j in range(args.num):
    rng = np.random.RandomState(args.seed % 2**31 + j)
    first, second = rng.randint(len(model["clouds"]), size=2)
    samples.append(model["clouds"][first] * model["radii"][second] / model["radii"][first])
np.save(args.out, np.stack(samples).astype("float32"))
