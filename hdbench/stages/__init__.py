"""The stages of the flow, one file each: pure functions ``(session, **arguments) -> (tensors, info)`` that workers run.

A module imports only what its numbers depend on, because a stage is computed anew when that code changes.
"""
