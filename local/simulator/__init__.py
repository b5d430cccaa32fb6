"""A simulator of Tencent Cloud VOD: client upload, object storage, event notification, server API.

The entry point is `create_simulator`.
"""

from __future__ import annotations

from local.simulator.settings import (
    DEFAULT_PROCEDURES,
    Procedure,
    RoleCredential,
    SimulatorSettings,
    Subtask,
)
from local.simulator.simulator import Simulator, create_simulator
from local.simulator.switches import Switches

__all__ = [
    "DEFAULT_PROCEDURES",
    "Procedure",
    "RoleCredential",
    "Simulator",
    "SimulatorSettings",
    "Subtask",
    "Switches",
    "create_simulator",
]
