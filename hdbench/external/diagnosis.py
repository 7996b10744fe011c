"""Can a foreign checkout be driven here? Its files, its interpreter, its libraries, its compiler."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hdbench.errors import HdbenchError
from hdbench.external.baseline import ThreeWays
from hdbench.external.checkout import commit, contents
from hdbench.external.driving import Driven
from hdbench.external.findings import Finding, needed, wanted
from hdbench.external.running import INSIDE, environment, last_words
from hdbench.external.specification import Specification

PROBE_SECONDS = 300


def examine_baseline(baseline: ThreeWays) -> Iterator[Finding]:
    """What the chosen way needs."""
    way = baseline.config.way
    yield Finding("ok", "mode", way)
    try:
        if way == "samples":
            yield Finding("ok", "samples", baseline.provenance())
            return
        if (checkpoint := baseline.checkpoint()) is not None:
            yield Finding("ok", "checkpoint", str(checkpoint))
        driven = baseline.driven() if way == "external" else None
    except HdbenchError as error:
        yield Finding("fail", way, str(error))
        return
    if driven is not None:
        yield from examine_checkout(driven)


def examine_checkout(driven: Driven) -> Iterator[Finding]:
    """The files of the checkout, then its environment."""
    spec = driven.specification
    try:
        repo = driven.folder()
        count = len(contents(repo, spec.environment.leave_out))
        spec.values(driven.arguments)
        spec.patches()
    except HdbenchError as error:
        yield Finding("fail", "checkout", str(error))
        return
    yield Finding("ok", "checkout", f"{repo}, {count} files")
    yield _commit(repo, spec)
    yield from _scripts(repo, spec)
    can_train = bool(spec.train) or driven.checkpoint is not None
    yield needed(can_train, "training", "a [train] command, or a checkpoint", f"Write -o {driven.name}.checkpoint=PATH.")
    yield from _environment(driven)


def _commit(repo: Path, spec: Specification) -> Finding:
    found, meant = commit(repo), spec.about.commit
    if not meant:
        return Finding("ok", "commit", found or "not known")
    same = bool(found) and (found[:7] == meant[:7]) and "modified" not in found
    return wanted(same, "commit", found or "not known", f"The specification was written for {meant}: git checkout {meant}.")


def _scripts(repo: Path, spec: Specification) -> Iterator[Finding]:
    there = [path.as_posix() for path in contents(repo, spec.environment.leave_out) if path.suffix == ".py"]
    for script in spec.scripts():
        near = get_close_matches(script, there, n=1)
        step = f"Did you mean '{near[0]}'?" if near else "Is it another repository, or another branch?"
        found = (repo / script).is_file()
        yield needed(found, f"script {script}", "there" if found else "not there", step)


def _environment(driven: Driven) -> Iterator[Finding]:
    """The interpreter and what it can import, told by itself."""
    spec = driven.specification.environment
    try:
        facts = _probe(driven)
    except HdbenchError as error:
        yield Finding("fail", "interpreter", str(error))
        return
    yield Finding("ok", "interpreter", f"{driven.interpreter()}, Python {facts['python']}")
    for name, wrong in facts["modules"].items():
        stubbed = name in spec.stubs
        step = f"Install it there: {driven.interpreter()} -m pip install {_DISTRIBUTIONS.get(name, name)}"
        yield needed(not wrong or stubbed, f"module {name}", ("stands in as a stub" if stubbed else wrong) or "imports", step)
    if "torch" in facts:
        yield from _cuda(driven.specification, facts)


_DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv-python", "yaml": "pyyaml", "PIL": "pillow"}


def _probe(driven: Driven) -> dict[str, Any]:
    """What the foreign interpreter says of itself. HdbenchError when it does not run."""
    interpreter, spec = driven.interpreter(), driven.specification.environment
    wants_gpu = spec.cuda or spec.compiler
    modules = dict.fromkeys((*spec.modules, *(("torch",) if wants_gpu else ())))
    command = [str(interpreter), str(INSIDE / "probe.py"), *modules]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS, stdin=subprocess.DEVNULL,
            env=environment([v for v in spec.variables if "{" not in v], spec.inherit), cwd=driven.folder(),
        )  # fmt: skip
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HdbenchError(
            f"'{interpreter}' does not run ({type(error).__name__}: {error}). Make the environment anew."
        ) from None
    except (IndexError, json.JSONDecodeError):
        said = last_words(done.stderr)
        raise HdbenchError(f"'{interpreter}' is no Python of 3.8 or later, or is broken. It says:\n{said}") from None


def _cuda(spec: Specification, facts: dict[str, Any]) -> Iterator[Finding]:
    words = f"{facts['torch']}, {facts['gpu'] or 'no GPU'}" + (f", CUDA {facts['cuda']}" if facts["cuda"] else ", CPU build")
    if spec.environment.cuda:
        yield needed(facts["gpu"], "its torch", words, "These commands need an NVIDIA GPU and a torch with CUDA.")
    else:
        yield Finding("ok", "its torch", words)
    if spec.environment.compiler:
        yield from _compilers(facts)


def _compilers(facts: dict[str, Any]) -> Iterator[Finding]:
    """nvcc of torch's own CUDA version, and a C++ compiler; both only where there is a GPU to build for."""
    if not facts["gpu"]:
        yield Finding("warn", "compiler", "not looked for: there is no GPU", "Extensions for CUDA cannot be built or run here.")
        return
    home = os.environ.get("CUDA_HOME", "")
    nvcc = shutil.which("nvcc") or (shutil.which("nvcc", path=str(Path(home) / "bin")) if home else None)
    yield needed(nvcc, "nvcc", nvcc or "not found", f"Install the CUDA toolkit {facts['cuda']}, and set CUDA_HOME.")
    if nvcc:
        version = subprocess.run([nvcc, "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
        same = f"release {str(facts['cuda']).split('.')[0]}." in version
        yield wanted(same, "nvcc version", version.splitlines()[-1], f"torch was built with CUDA {facts['cuda']}.")
    for tool in ("g++", "ninja"):
        yield needed(shutil.which(tool), tool, shutil.which(tool) or "not found", f"Install {tool}.")
