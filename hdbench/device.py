"""Which device and which preset a run takes when it is not told, and why."""

from __future__ import annotations

from dataclasses import dataclass

from hdbench.errors import HdbenchError, unknown


@dataclass(frozen=True, slots=True)
class Choice:
    """The device, the preset, and the sentence that says so."""

    device: str
    preset: str
    sentence: str


def choose(device: str | None, preset: str | None) -> Choice:
    """``small`` with a GPU, ``tiny`` without; what is given is taken. HdbenchError for a device that is not there."""
    import torch

    has_gpu = torch.cuda.is_available()
    if device not in (None, "cpu", "cuda"):
        raise unknown("device", str(device), ("cpu", "cuda"))
    if device == "cuda" and not has_gpu:
        raise HdbenchError("There is no CUDA device on this machine. Leave --device out to run on the CPU.")
    chosen = device or ("cuda" if has_gpu else "cpu")
    default = "small" if chosen == "cuda" else "tiny"
    found = f"found {torch.cuda.get_device_name(0)}" if has_gpu else "no GPU found"
    reason = f"as asked; {found}" if preset else f"the default on {'a GPU' if chosen == 'cuda' else 'the CPU'}; {found}"
    return Choice(chosen, preset or default, f"preset {preset or default} on {chosen} ({reason})")
