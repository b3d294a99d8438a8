"""Every hook, in the order of a frame: nouns offer stages, verbs do the work, past participles tell.

Verbs are answered by the first implementation that returns something; the built-in one stands last, so a
plugin wraps a verb (`@hookimpl(wrapper=True)`) to advise it. No hook implementation may be `async def`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from lisppump.calling import Reply, Request
    from lisppump.delta import Delta, Schema
    from lisppump.frame import Agent, Frame, Stream
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.merge import Merged
    from lisppump.policy import Policy
    from lisppump.stages import Assignment, Thought
    from lisppump.witness import Witness

API_VERSION = 1  # a plugin that needs a newer one says so: `lisppump_api = 2`

NOUNS = ("dams", "backends", "mergers", "echoes", "executors", "reservoirs", "builtins", "commands")
VERBS = ("select", "assign", "pour", "merge", "echo")
PARTICIPLES = (
    "policy_reloaded", "frame_started", "stream_replied", "stream_failed", "frame_committed", "budget_spent",
)  # fmt: skip
SINCE = dict.fromkeys((*NOUNS, *VERBS, *PARTICIPLES), 1)  # the version that each of them came with

hookspec = pluggy.HookspecMarker("lisppump")
hookimpl = pluggy.HookimplMarker("lisppump")

# Nouns: what a plugin offers, by name. pump.lisp chooses.


@hookspec
def dams() -> Mapping[str, type]:
    """Offer dams: classes with `assign(frame, agents, n, seed)`."""


@hookspec
def backends() -> Mapping[str, type]:
    """Offer backends: classes with `async def pour(request)`."""


@hookspec
def mergers() -> Mapping[str, type]:
    """Offer mergers: classes with `merge(frame, deltas, schema)`."""


@hookspec
def echoes() -> Mapping[str, type]:
    """Offer echoes: classes with `think(frame, seed)`."""


@hookspec
def executors() -> Mapping[str, type]:
    """Offer executors: classes with `async def run(jobs)`."""


@hookspec
def reservoirs() -> Mapping[str, type]:
    """Offer reservoirs: classes that read and write documents by name."""


@hookspec
def builtins() -> Mapping[str, BuiltinSpec]:
    """Offer LisPy builtins, by name: what `lispy_builtin` makes of a function."""


@hookspec
def commands() -> Mapping[str, click.Command]:
    """Offer subcommands of `lisppump`."""


# Verbs: what happens in a frame, in this order.


@hookspec(firstresult=True)
def select(policy: Policy, frame: Frame) -> tuple[Agent, ...]:
    """Choose who wakes in the next frame, in order."""


@hookspec(firstresult=True)
def assign(policy: Policy, frame: Frame, agents: Sequence[Agent]) -> Assignment:
    """Group the agents that wake into streams."""


@hookspec(firstresult=True)
def pour(policy: Policy, request: Request, alias: str) -> Awaitable[Reply]:
    """Call one backend for one room; the result is awaited."""


@hookspec(firstresult=True)
def merge(policy: Policy, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
    """Turn the deltas into the changes that make the next frame."""


@hookspec(firstresult=True)
def echo(policy: Policy, frame: Frame, witness: Witness) -> tuple[Thought, ...]:
    """Think over the frame that was just committed; `witness` records what programs get from the web."""


# Past participles: what has happened. What they return is ignored.


@hookspec
def policy_reloaded(policy: Policy) -> None:
    """Hear that pump.lisp was read again between two frames."""


@hookspec
def frame_started(frame: Frame, number: int, streams: Sequence[Stream]) -> None:
    """Hear that frame `number` has begun; `frame` is the one it starts from."""


@hookspec
def stream_replied(number: int, stream: Stream, delta: Delta) -> None:
    """Hear that a stream has come back with a delta."""


@hookspec
def stream_failed(number: int, stream: Stream, delta: Delta) -> None:
    """Hear that a stream ended without one; the delta says its status and reason."""


@hookspec
def frame_committed(frame: Frame, report: Mapping[str, Any]) -> None:
    """Hear that a frame has become the head: it has its documents, their files come a little later."""


@hookspec
def budget_spent(number: int, reason: str) -> None:
    """Hear that the budget is spent before frame `number`: the run stops, pauses, or goes on at no cost."""
