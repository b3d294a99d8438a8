"""Agents' own LisPy programs: where the frame keeps them, and one run of one, in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lisppump.frame import Frame
from lisppump.lispy.limits import Limits

if TYPE_CHECKING:
    from lisppump.lispy import Result
    from lisppump.lispy.builtins import BuiltinSpec

DOCUMENT = "programs.json"


def programs_of(frame: Frame) -> dict[str, str]:
    """The program of each agent that has one, by id; the document holds texts or `{"source": text}`."""
    document = frame.documents.get(DOCUMENT)
    if not isinstance(document, dict):
        return {}
    found = {
        key: entry.get("source") if isinstance(entry, dict) else entry for key, entry in document.items()
    }
    return {key: source for key, source in sorted(found.items()) if isinstance(source, str)}


def run_program(
    frame: Frame,
    agent: str,
    source: str,
    *,
    allow: Collection[str],
    limits: Limits,
    seed: tuple[Any, ...],
    defined: Mapping[str, Any],
    builtins: Mapping[str, BuiltinSpec],
) -> Result:
    """What a program comes to where it sees the frame, the values `defined` for it and plugins' builtins."""
    from lisppump.lispy import Runtime
    from lisppump.policy import AgentsClause, state_of

    runtime = Runtime(
        state=state_of(frame, AgentsClause()),
        allow=allow,
        limits=limits,
        seed=(*seed, frame.number, agent),
        now=frame.time,
        builtins=builtins,
    )
    for name, value in defined.items():
        runtime.define(name, value)
    return runtime.run(source, f"program of {agent}")
