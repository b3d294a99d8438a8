"""What tests of simulations and plugins need: scripted backends, a clock, worlds, faults, contract checks.

Nothing here waits by the clock or asks a network; no part of lisppump itself uses it. pytest finds the
fixture `simulation` by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lisppump.testing.clock import Clock as Clock
    from lisppump.testing.contracts import check_backend as check_backend
    from lisppump.testing.contracts import check_dam as check_dam
    from lisppump.testing.contracts import check_echo as check_echo
    from lisppump.testing.contracts import check_merger as check_merger
    from lisppump.testing.contracts_builtin import check_builtin as check_builtin
    from lisppump.testing.contracts_executor import check_executor as check_executor
    from lisppump.testing.contracts_options import check_stage_options as check_stage_options
    from lisppump.testing.contracts_plugin import check_command as check_command
    from lisppump.testing.contracts_plugin import check_plugin as check_plugin
    from lisppump.testing.contracts_reservoir import check_reservoir as check_reservoir
    from lisppump.testing.disks import Crash as Crash
    from lisppump.testing.disks import FaultyDisk as FaultyDisk
    from lisppump.testing.disks import Operation as Operation
    from lisppump.testing.faults import Failing as Failing
    from lisppump.testing.faults import failing as failing
    from lisppump.testing.power import Image as Image
    from lisppump.testing.power import image_of as image_of
    from lisppump.testing.power import power_cuts as power_cuts
    from lisppump.testing.scripted import Reversed as Reversed
    from lisppump.testing.scripted import Scripted as Scripted
    from lisppump.testing.simulation import Outcome as Outcome
    from lisppump.testing.simulation import Simulation as Simulation
    from lisppump.testing.simulation import Simulations as Simulations
    from lisppump.testing.simulation import frame_of as frame_of
    from lisppump.testing.simulation import people as people
    from lisppump.testing.simulation import request_of as request_of

_HOMES = {
    "Clock": "clock",
    "Crash": "disks",
    "Failing": "faults",
    "FaultyDisk": "disks",
    "Image": "power",
    "Operation": "disks",
    "Outcome": "simulation",
    "Reversed": "scripted",
    "Scripted": "scripted",
    "Simulation": "simulation",
    "Simulations": "simulation",
    "check_backend": "contracts",
    "check_builtin": "contracts_builtin",
    "check_command": "contracts_plugin",
    "check_dam": "contracts",
    "check_echo": "contracts",
    "check_executor": "contracts_executor",
    "check_merger": "contracts",
    "check_plugin": "contracts_plugin",
    "check_reservoir": "contracts_reservoir",
    "check_stage_options": "contracts_options",
    "failing": "faults",
    "frame_of": "simulation",
    "image_of": "power",
    "people": "simulation",
    "power_cuts": "power",
    "request_of": "simulation",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for: pytest imports this package whatever tests it runs."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lisppump.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"lisppump.testing.{_HOMES[name]}"), name)
