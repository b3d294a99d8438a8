"""lisppump: a frame goes in, streams pour through isolated pipes, deltas merge into the next frame."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lisppump.calling import BackendError as BackendError
    from lisppump.calling import Failure as Failure
    from lisppump.calling import Reply as Reply
    from lisppump.calling import Request as Request
    from lisppump.delta import Delta as Delta
    from lisppump.errors import LisppumpError as LisppumpError
    from lisppump.frame import Agent as Agent
    from lisppump.frame import Frame as Frame
    from lisppump.frame import Stream as Stream
    from lisppump.hookspecs import hookimpl as hookimpl
    from lisppump.lispy.builtins import lispy_builtin as lispy_builtin
    from lisppump.merge import merge as merge
    from lisppump.policy import Policy as Policy
    from lisppump.pump import Pump as Pump
    from lisppump.stages import Finding as Finding
    from lisppump.stages import Option as Option
    from lisppump.stages import Thought as Thought
    from lisppump.stages import assign as assign
    from lisppump.witness import Witness as Witness

_HOMES = {
    "Agent": "frame",
    "BackendError": "calling",
    "Delta": "delta",
    "Failure": "calling",
    "Finding": "stages",
    "Frame": "frame",
    "LisppumpError": "errors",
    "Option": "stages",
    "Policy": "policy",
    "Pump": "pump",
    "Reply": "calling",
    "Request": "calling",
    "Stream": "frame",
    "Thought": "stages",
    "Witness": "witness",
    "assign": "stages",
    "hookimpl": "hookspecs",
    "lispy_builtin": "lispy.builtins",
    "merge": "merge",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import lisppump` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lisppump' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"lisppump.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, whether or not somebody asked for them yet."""
    return [*__all__, "__version__"]


class _Package(ModuleType):
    """The package: of `merge`, both a module and the function in it, its attribute is always the function."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Import sets a module of that name here as soon as anybody imports it."""
        super().__setattr__(name, value.merge if name == "merge" and isinstance(value, ModuleType) else value)


sys.modules[__name__].__class__ = _Package
