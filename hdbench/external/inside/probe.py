"""Say in JSON what this interpreter has. Usage: probe.py MODULE..."""

import importlib
import json
import platform
import sys


def why_not(name):
    try:
        importlib.import_module(name)
    except BaseException as error:  # whatever a foreign module raises, SystemExit too
        return "{}: {}".format(type(error).__name__, str(error).strip().split("\n")[0])
    return ""


def torch_facts():
    try:
        import torch
    except Exception:  # it is not there, or broken: the modules say so where it is needed
        return {}
    gpu = torch.cuda.is_available()
    return {"torch": torch.__version__, "cuda": torch.version.cuda, "gpu": torch.cuda.get_device_name(0) if gpu else None}


if __name__ == "__main__":
    facts = {"python": platform.python_version(), "modules": {name: why_not(name) for name in sys.argv[1:]}}
    if "torch" in sys.argv[1:]:
        facts.update(torch_facts())
    sys.stdout.write("\n" + json.dumps(facts) + "\n")
