"""TensorBoard: curves by step, numbers as scalars of step 0, settings as hyper-parameters, pictures as images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdbench.errors import HdbenchError
from hdbench.interfaces import Logged, Logger


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorBoardConfig:
    """It has no settings."""


class TensorBoard(Logger):
    """One folder of event files per run; a run that is logged again takes the place of the old one."""

    name = "tensorboard"
    source = "torch.utils.tensorboard"
    Config = TensorBoardConfig

    def log(self, run: Logged, out: Path) -> str:
        """HdbenchError when tensorboard is not installed."""
        place = out / run.name
        for old in place.glob("events.out.tfevents.*"):
            old.unlink()
        with _writer(place) as writer:
            writer.add_text("command", run.command)
            writer.add_text("settings", "\n".join(f"    {key} = {value}" for key, value in run.settings.items()))
            for row, numbers in run.values.items():
                for column, value in numbers.items():
                    writer.add_scalar(f"{row}/{column}", value, 0)
            for row, curves in run.curves.items():
                for curve, values in curves.items():
                    for step, value in enumerate(values):
                        writer.add_scalar(f"{row}: training/{curve}", float(value), step)
            for picture in run.pictures:
                writer.add_image(picture.stem, _pixels(picture), 0, dataformats="HWC")
        return f"Written to {place}. See it with: tensorboard --logdir {out}"


def _writer(place: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise HdbenchError("The logger 'tensorboard' needs TensorBoard: pip install 'hdbench-loggers[tensorboard]'.") from error
    return SummaryWriter(str(place))


def _pixels(picture: Path) -> Any:
    import numpy as np
    from PIL import Image

    return np.asarray(Image.open(picture).convert("RGB"))
