"""Work shared over the processes of torch.distributed; one process alone is rank 0 of 1.

Every rank does the tasks ``rank::world`` and leaves zeros for the others; a sum over the ranks joins them. Adding zeros is exact,
so all ranks end with the bits of a single process.
"""

from __future__ import annotations

import sys
from typing import Any

from numpy.typing import NDArray


def rank_and_world() -> tuple[int, int]:
    """This process's number and how many there are."""
    if not _joined():
        return 0, 1
    import torch.distributed as dist

    return dist.get_rank(), dist.get_world_size()


def join(*parts: NDArray[Any]) -> None:
    """Sum arrays over the ranks, in place: every element is zero on all ranks but one."""
    if not _joined():
        return
    import torch
    import torch.distributed as dist

    for part in parts:
        tensor = torch.from_numpy(part)
        if dist.get_backend() == "nccl":
            on_device = tensor.cuda()
            dist.all_reduce(on_device)
            tensor.copy_(on_device)
        else:
            dist.all_reduce(tensor)


def _joined() -> bool:
    """Whether there are ranks; a process that never imported torch has none, and is not made to import it."""
    if "torch" not in sys.modules:
        return False
    import torch.distributed as dist

    return bool(dist.is_available() and dist.is_initialized())
