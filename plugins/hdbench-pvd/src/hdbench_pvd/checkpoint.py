"""The authors' checkpoints, tensor for tensor: {'epoch', 'model_state', 'optimizer_state'}, read with ``weights_only``.

Names start with ``model.`` (the network in its diffusion) and then ``module.`` where they were trained on several GPUs.
Source: alexzhou907/PVD at 9747265, train_generation.py.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench_pvd.network import PVCNN2, PVCNN2Config

MADE_BY = "A generator of PVD comes from its train_generation.py, such as epoch_1799.pth."
PREFIXES = ("model.", "module.")


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The network's tensors under the names of ``PVCNN2``. HdbenchError, with the reason, for anything else."""
    content = _unpickled(path)
    state = content.get("model_state", content)
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise HdbenchError(f"'{path}' holds no 'model_state'. {MADE_BY}")
    found = {_bare(name): value for name, value in state.items()}
    _check(found, path)
    return found


def _unpickled(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise HdbenchError(f"There is no checkpoint '{path}'. {MADE_BY}") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise HdbenchError(
            f"'{path}' is not a checkpoint that can be read without running its code: {reason} {MADE_BY}"
        ) from None
    if not isinstance(content, dict):
        raise HdbenchError(f"'{path}' holds a {type(content).__name__}, not a checkpoint. {MADE_BY}")
    return content


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _check(found: Mapping[str, Tensor], path: Path) -> None:
    """HdbenchError unless these are the tensors of the network at width 1."""
    with torch.device("meta"):
        wanted = {name: value.shape for name, value in PVCNN2(PVCNN2Config()).state_dict().items()}
    missing = [name for name in wanted if name not in found]
    foreign = [name for name in found if name not in wanted]
    odd = [name for name in wanted if name in found and found[name].shape != wanted[name]]
    for what, names in (("lacks", missing), ("has besides", foreign), ("has in another shape", odd)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise HdbenchError(f"'{path}' is not PVD's network for generation: it {what} {', '.join(names[:3])}{more}. {MADE_BY}")
