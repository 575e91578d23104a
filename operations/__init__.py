"""Durable long verbs: an Operation is a row that runs a flow's steps, one transaction each, until it is done or undone.

operations.start(FLOW, subject=("server", id), project_id=…, actor=actor, holds=["server:…"])
operations.wake("port", port_id)          something that a step may wait for has changed
operations.on_report("network", handler)  what agents say on their own
operations.on_event("lease", handler)
"""

from typing import Any

from operations.flows import Flow, Step, all_flows
from operations.waits import Wait

__all__ = ["Flow", "Locked", "Step", "Wait", "all_flows", "on_event", "on_report", "start", "wake"]


def __getattr__(name: str) -> Any:
    # Models load only after Django's apps are ready; flows are declared while they load.
    if name in ("start", "wake", "Locked"):
        from operations import engine

        return getattr(engine, name)
    if name in ("on_event", "on_report"):
        from operations import rpc

        return getattr(rpc, name)
    raise AttributeError(name)
