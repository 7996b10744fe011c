"""Can hdbench itself work here? Python, torch, memory, disk, plugins, worker processes."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from hdbench import __version__
from hdbench.errors import HdbenchError
from hdbench.external.findings import Finding, needed, wanted
from hdbench.registry import Registry

LEAST_MEMORY_GIB = 4.0
LEAST_DISK_GIB = 5.0


def examine_machine(registry: Registry, out: Path) -> Iterator[Finding]:
    """What hdbench needs; ``out`` is where run folders go."""
    yield needed(sys.version_info >= (3, 11), "python", platform.python_version(), "hdbench needs Python 3.11 or later.")
    yield Finding("ok", "hdbench", __version__)
    yield _torch()
    yield _memory()
    yield _disk(out)
    yield from _plugins(registry)
    yield _workers()


def _torch() -> Finding:
    try:
        import torch
    except Exception as error:  # a broken installation fails in many ways
        return Finding("fail", "torch", f"{type(error).__name__}: {error}", "Install it: pip install torch.")
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU: presets beyond tiny take long"
    return Finding("ok", "torch", f"{torch.__version__}, {gpu}, {os.cpu_count()} cores")


def _memory() -> Finding:
    try:
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") / 2**30
    except (ValueError, OSError):
        return Finding("ok", "memory", "not known on this system")
    return wanted(free >= LEAST_MEMORY_GIB, "memory", f"{free:.1f} GiB free", "Use fewer processes: --workers 1.")


def _disk(out: Path) -> Finding:
    place = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free / 2**30
    if not os.access(place, os.W_OK):
        return Finding("fail", "disk", f"'{place}' cannot be written to", "Choose another folder with --out.")
    return wanted(free >= LEAST_DISK_GIB, "disk", f"{free:.0f} GiB free at '{place}'", "Free some, or choose another with --out.")


def _plugins(registry: Registry) -> Iterator[Finding]:
    distributions = {component.distribution for component in registry.components.values()}
    yield needed(distributions, "plugins", f"{len(distributions)} load", "Install some: pip install -r requirements.txt.")
    for plugin in registry.quarantine:
        yield Finding("fail", f"plugin {plugin.plugin}", plugin.reason, f"Mend or uninstall {plugin.distribution}.")


def _workers() -> Finding:
    """Start a process as a run does, and let it do something."""
    import multiprocessing

    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply_async(os.getpid).get(timeout=120)
    except Exception as error:  # what keeps processes from starting has many names
        step = "hdbench computes in processes of its own; does the system allow them (memory, shared memory, limits)?"
        return Finding("fail", "workers", f"{type(error).__name__}: {error}", step)
    return Finding("ok", "workers", "processes start")


def settings_of(registry: Registry, name: str) -> None:
    """HdbenchError unless ``name`` is an installed baseline."""
    if ("recipe", name) in registry.components:
        raise HdbenchError(f"'{name}' is a recipe: it needs no checkout. Run 'hdbench doctor' for the machine alone.")
    registry.find("baseline", name)
