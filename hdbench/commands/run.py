"""placeholder"""
from hdbench.hookspecs import hookimpl
@hookimpl
def hdbench_commands():
    return []
