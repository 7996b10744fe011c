"""A toy of somebody else's repository: it remembers the training clouds and how much their sizes vary."""

import argparse
import os

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--save_dir", default="./checkpoints")
parser.add_argument("--epochs", type=int, default=1000)
args = parser.parse_args()

clouds = np.load(args.data)["clouds"]
radii = np.linalg.norm(clouds, axis=-1).reshape(len(clouds), -1).mean(1)
os.makedirs(args.save_dir, exist_ok=True)
for epoch in range(args.epochs):
    print(f"epoch {epoch + 1}/{args.epochs}")  # noqa: T201
np.savez(os.path.join(args.save_dir, f"epoch_{args.epochs}.npz"), clouds=clouds, radii=radii)
