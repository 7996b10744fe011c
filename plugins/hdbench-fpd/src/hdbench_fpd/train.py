"""Trains the embedded network on the procedural categories of the shapes plugin: ``python -m hdbench_fpd.train OUT``.

Every step sees fresh shapes, so nothing is learned by heart. Heads beside the published ``fc3`` (generator's choices, defect,
cells) shape the features and are dropped afterwards. One thread and one seed: the same machine gives the same bits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hdbench.seeds import seed_of
from hdbench_fpd.defects import DEFECTS
from hdbench_fpd.grouping import LEVELS, Level, group
from hdbench_fpd.lessons import CELLS, CLASSES, POINTS, QUESTIONS, Lesson, accuracy, lesson
from hdbench_fpd.pointnet2 import FEATURES, PointNet2, together

SEED, HELD_OUT = 0, 1  # courses
THIN = tuple(
    Level(level.centres, level.radius, level.most // 2) for level in LEVELS
)  # balls of the first two thirds: half the time
HELD_OUT_LESSONS = 600


class Heads(nn.Module):
    """Linear questions to the features: the generator's choices, the defect and its size, where the points lie."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = nn.ModuleList(nn.Linear(FEATURES, len(options)) for _, options in QUESTIONS)
        self.defect, self.size = nn.Linear(FEATURES, len(DEFECTS)), nn.Linear(FEATURES, 1)
        self.cells = nn.Linear(FEATURES, CELLS**3)

    def loss(self, features: Tensor, lessons: Sequence[Lesson]) -> Tensor:
        """The sum of the mean losses of all questions."""
        answers = torch.from_numpy(np.stack([one.answers for one in lessons]))
        defect = torch.tensor([one.defect for one in lessons])
        size = torch.tensor([one.size for one in lessons])
        cells = torch.from_numpy(np.stack([one.cells for one in lessons]))
        asked = [(head, answers[:, k]) for k, head in enumerate(self.answers) if bool((answers[:, k] >= 0).any())]
        choices = torch.stack([functional.cross_entropy(head(features), a, ignore_index=-1) for head, a in asked]).mean()
        sizes = functional.smooth_l1_loss(self.size(features)[:, 0], size)
        where = functional.kl_div(functional.log_softmax(self.cells(features), -1), cells, reduction="batchmean")
        return choices + functional.cross_entropy(self.defect(features), defect) + 4 * sizes + where


def embed(network: PointNet2, lessons: Sequence[Lesson], levels: tuple[Level, ...] = LEVELS) -> Tensor:
    """Features [n, 256] of the lessons' clouds."""
    first, second = zip(*(group(one.cloud, levels) for one in lessons))
    places = torch.from_numpy(np.concatenate([one.cloud for one in lessons]))
    return network.embed(places, together(first, POINTS), together(second, len(first[0].centres)), len(lessons))


def train(steps: int, batch: int, rate: float) -> PointNet2:
    """A network after ``steps`` steps of ``batch`` lessons each."""
    torch.manual_seed(seed_of("train", SEED))
    network, heads = PointNet2(len(CLASSES), dropout=0.0), Heads()
    parameters = [*network.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    begun = time.monotonic()
    for step in range(steps):
        lessons = [lesson(step * batch + k, SEED) for k in range(batch)]
        features = embed(network, lessons, THIN if 3 * step < 2 * steps else LEVELS)
        logs = network.classify(features)
        kinds = torch.tensor([one.kind for one in lessons])
        loss = functional.nll_loss(logs, kinds) + heads.loss(features, lessons)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        pace.step()
        if step % 20 == 0:
            right = accuracy(logs.argmax(1).tolist(), lessons)
            print(f"step {step}: loss {loss.item():.3f}, right {right:.2f}, {time.monotonic() - begun:.0f} s", flush=True)  # noqa: T201
    return network.eval()


@torch.no_grad()
def examine(network: PointNet2, count: int, damage: bool) -> float:
    """Accuracy among the 49 classes on ``count`` shapes that were not trained on."""
    lessons = [lesson(k, HELD_OUT, damage) for k in range(count)]
    features = torch.cat([embed(network, lessons[k : k + 16]) for k in range(0, count, 16)])
    return accuracy(network.classify(features).argmax(1).tolist(), lessons)


def main() -> None:
    """Train, examine, write the weights and print what is in their header."""
    from hdbench_fpd.weights import write

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="where the safetensors file goes")
    parser.add_argument("--steps", type=int, default=1700)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--rate", type=float, default=2e-3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    network = train(asked.steps, asked.batch, asked.rate)
    header = {
        "classes": json.dumps(CLASSES),
        "command": f"python -m hdbench_fpd.train OUT --steps {asked.steps} --batch {asked.batch} --rate {asked.rate:g}",
        "held-out accuracy": f"{examine(network, HELD_OUT_LESSONS, damage=False):.4f}",
        "held-out accuracy with defects": f"{examine(network, HELD_OUT_LESSONS, damage=True):.4f}",
        "libraries": f"torch {torch.__version__}, numpy {np.__version__}",
    }
    print(json.dumps(header | {"sha256": write(network.state_dict(), asked.out, header, half=True)}, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
