"""Run a script of an older day on today's libraries, without a change in its files.

Usage: launcher.py --shims a,b --stubs x,y --patches p.py,q.py -- SCRIPT ARGUMENTS   (or -- -m MODULE ARGUMENTS)

It runs in the script's own environment, so it imports nothing but the standard library, and torch, numpy or scikit-image
where a shim that was chosen mends them. Each shim changes an attribute of a library in this process, nothing on the disk.
Source: what breaks in the released code of DPC, PVD and ShapeGAN under current versions was found by running it.
"""

# mypy: ignore-errors
# (what it does is to replace attributes of libraries)

import argparse
import importlib
import importlib.machinery
import os
import random
import runpy
import sys
import types


def torch_load():
    """Checkpoints from another machine and of an older torch: to the CPU where there is no GPU, and with the Python objects in
    them, as the script expects. It unpickles: the checkpoint must be trusted as much as the script."""
    import torch

    original = torch.load
    knows_weights_only = "weights_only" in original.__code__.co_varnames

    def load(f, *arguments, **named):
        if not arguments and named.get("map_location") is None and not torch.cuda.is_available():
            named["map_location"] = "cpu"
        if knows_weights_only and named.get("weights_only") is None:
            named["weights_only"] = False
        return original(f, *arguments, **named)

    torch.load = load


def no_cuda():
    """Without a GPU: .cuda() stays where it is, and what asks for the device 'cuda' is made on the CPU."""
    import torch

    if torch.cuda.is_available():
        return

    def stay(self, *arguments, **named):
        return self

    def here(value):
        asks = isinstance(value, (str, torch.device)) and str(value).startswith("cuda")
        return torch.device("cpu") if asks else value

    def redirected(function):
        def call(*arguments, **named):
            if "device" in named:
                named["device"] = here(named["device"])
            return function(*[here(a) for a in arguments], **named)

        return call

    torch.Tensor.cuda = torch.nn.Module.cuda = stay
    for owner in (torch.Tensor, torch.nn.Module):
        owner.to = redirected(owner.to)
    made = "randn rand randint randperm empty zeros ones full tensor as_tensor arange linspace eye"
    alike = "randn_like rand_like empty_like zeros_like ones_like full_like randint_like"
    for name in (made + " " + alike).split():
        setattr(torch, name, redirected(getattr(torch, name)))
    for name in ["FloatTensor", "DoubleTensor", "HalfTensor", "LongTensor", "IntTensor", "ByteTensor", "BoolTensor"]:
        setattr(torch.cuda, name, getattr(torch, name))
    for name in ["synchronize", "set_device", "empty_cache"]:
        setattr(torch.cuda, name, lambda *arguments, **named: None)
    torch.cuda.current_device = lambda: 0


def marching_cubes():
    """scikit-image renamed marching_cubes_lewiner to marching_cubes (0.19)."""
    import skimage.measure

    def lewiner(volume, level=None, **named):
        if named.pop("use_classic", False):
            named["method"] = "lorensen"
        return skimage.measure.marching_cubes(volume, level, **named)

    if not hasattr(skimage.measure, "marching_cubes_lewiner"):
        skimage.measure.marching_cubes_lewiner = lewiner


def numpy_aliases():
    """Names that numpy dropped in 1.24 (np.int) and 2.0 (np.float_)."""
    import warnings

    import numpy

    gone = {
        "int": int, "float": float, "bool": bool, "object": object, "complex": complex, "str": str, "long": int, "unicode": str,
        "float_": numpy.float64, "complex_": numpy.complex128, "unicode_": numpy.str_, "string_": numpy.bytes_,
        "Inf": numpy.inf, "infty": numpy.inf, "NaN": numpy.nan, "NINF": -numpy.inf, "product": numpy.prod,
        "cumproduct": numpy.cumprod, "alltrue": numpy.all, "sometrue": numpy.any, "in1d": numpy.isin, "row_stack": numpy.vstack,
    }  # fmt: skip
    for name, value in gone.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not hasattr(numpy, name):
                setattr(numpy, name, value)


def compiler():
    """CUDA extensions that are built on import: with the compiler that is there, not the one that a flag names."""
    from torch.utils import cpp_extension

    original = cpp_extension.load

    def load(*arguments, **named):
        for key in ("extra_cflags", "extra_cuda_cflags"):
            if named.get(key):
                named[key] = without_compiler(named[key])
        return original(*arguments, **named)

    cpp_extension.load = load


def without_compiler(flags):
    """The flags that do not choose nvcc's host compiler."""
    kept, skip = [], False
    for flag in flags:
        if skip:
            skip = False
        elif flag in ("-ccbin", "--compiler-bindir"):
            skip = True
        elif not flag.startswith(("-ccbin=", "--compiler-bindir=")):
            kept.append(flag)
    return kept


def typed_arguments():
    """Command-line options that have a number as their default and no type: what is given becomes such a number."""
    original = argparse._ActionsContainer.add_argument

    def add_argument(self, *names, **named):
        default = named.get("default")
        if type(default) in (int, float) and not {"type", "action", "nargs", "choices"} & set(named):
            named["type"] = type(default)
        return original(self, *names, **named)

    argparse._ActionsContainer.add_argument = add_argument


def old_python():
    """Functions that Python dropped: importlib.find_loader, inspect.getargspec, time.clock, collections.Mapping and its kin."""
    import collections.abc
    import importlib.util
    import inspect
    import time

    if not hasattr(importlib, "find_loader"):
        importlib.find_loader = lambda name, path=None: getattr(importlib.util.find_spec(name), "loader", None)
    if not hasattr(inspect, "getargspec"):
        inspect.getargspec = lambda function: inspect.getfullargspec(function)[:4]
    if not hasattr(time, "clock"):
        time.clock = time.perf_counter
    for name in dir(collections.abc):
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


def headless():
    """Pictures without a screen."""
    os.environ["MPLBACKEND"] = "Agg"
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")


def seed():
    """Scripts that seed nothing: random, numpy and torch start from HDBENCH_SEED."""
    value = int(os.environ["HDBENCH_SEED"])
    random.seed(value)
    for name, function in (("numpy", "random.seed"), ("torch", "manual_seed")):
        try:
            found = __import__(name)
        except ImportError:
            continue
        for part in function.split("."):
            found = getattr(found, part)
        found(value % 2**32)


SHIMS = {
    "torch-load": torch_load, "no-cuda": no_cuda, "marching-cubes": marching_cubes, "numpy-aliases": numpy_aliases,
    "compiler": compiler, "typed-arguments": typed_arguments, "old-python": old_python, "headless": headless, "seed": seed,
}  # fmt: skip


class Stub(types.ModuleType):
    """A module that is not there: it can be imported, and its names can be mentioned, but nothing of it can be used."""

    def __init__(self, name):
        super().__init__(name)
        self.__path__ = []
        self.__loader__ = self.__spec__ = importlib.machinery.ModuleSpec(name, None)  # for those who ask whether it is there

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(self, *arguments, **named):
            raise RuntimeError(f"{self.owner}.{self.title} was called, but {self.owner} is not installed")

        return type(name, (), {"owner": self.__name__, "title": name, "__init__": refuse})


def put_stubs(names):
    """Stubs for those modules that cannot be imported."""
    for name in names:
        try:
            __import__(name)
        except Exception:  # a module that is not there, or whose binary part does not load
            sys.modules[name] = Stub(name)


def main(arguments):
    """Mend, then run the script as if it had been started by itself."""
    split = arguments.index("--")
    parser = argparse.ArgumentParser()
    for option in ("--shims", "--stubs", "--patches"):
        parser.add_argument(option, default="")
    given = parser.parse_args(arguments[:split])
    script = arguments[split + 1 :]
    is_module = script[0] == "-m"
    sys.path[:1] = ([] if is_module else [os.path.dirname(os.path.abspath(script[0]))]) + [os.getcwd()]
    for name in filter(None, given.shims.split(",")):
        SHIMS[name]()
    put_stubs(filter(None, given.stubs.split(",")))
    for patch in filter(None, given.patches.split(os.pathsep)):
        runpy.run_path(patch)
    sys.argv = script[1:] if is_module else script
    if is_module:
        runpy.run_module(script[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(script[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
