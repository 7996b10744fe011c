"""Weights & Biases. Offline unless asked otherwise: nothing leaves the machine before 'wandb sync'."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hdbench.config import digest
from hdbench.errors import HdbenchError
from hdbench.interfaces import Logged, Logger


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsAndBiasesConfig:
    """``mode`` is wandb's own; ``online`` sends the run to its service and needs an account."""

    project: str = "hdbench"
    mode: Literal["offline", "online"] = "offline"


class WeightsAndBiases(Logger):
    """One run of W&B per run; its id follows from the name, so a run that is logged again is the same one."""

    name = "wandb"
    source = "docs.wandb.ai"
    Config = WeightsAndBiasesConfig

    def log(self, run: Logged, out: Path) -> str:
        """HdbenchError when wandb is not installed."""
        wandb = _library()
        out.mkdir(parents=True, exist_ok=True)
        settings = {key: str(value) if isinstance(value, (tuple, list)) else value for key, value in run.settings.items()}
        opened = wandb.init(
            project=self.config.project, name=run.name, id=digest(run.name)[:12], dir=str(out), mode=self.config.mode,
            config=settings,
            notes=run.command, reinit="finish_previous", settings=wandb.Settings(silent=True, x_disable_stats=True),
        )  # fmt: skip
        for row, curves in run.curves.items():
            for step in range(max(len(values) for values in curves.values())):
                opened.log({f"{row}/{curve}": float(values[step]) for curve, values in curves.items() if step < len(values)})
        opened.log({picture.stem: wandb.Image(str(picture)) for picture in run.pictures})
        opened.summary.update(
            {f"{row}/{column}": value for row, numbers in run.values.items() for column, value in numbers.items()}
        )
        place = Path(opened.dir).parent
        opened.finish()
        return (
            f"Sent to the project {self.config.project}."
            if self.config.mode == "online"
            else f"Written to {place}. Send it with: wandb sync {place}"
        )


def _library() -> Any:
    try:
        import wandb
    except ImportError as error:
        raise HdbenchError("The logger 'wandb' needs Weights & Biases: pip install 'hdbench-loggers[wandb]'.") from error
    return wandb
