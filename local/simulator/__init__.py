"""A simulator of Tencent Cloud VOD: client upload, object storage, event notification, server API.

`create_simulator` is the way in; what each wire looks like is left to the files of this folder.
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

__all__ = [
    "DEFAULT_PROCEDURES",
    "Procedure",
    "RoleCredential",
    "Simulator",
    "SimulatorSettings",
    "Subtask",
    "create_simulator",
]
