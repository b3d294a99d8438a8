"""Agents' LisPy programs: where the frame keeps their own, and one run of one, in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lisppump.errors import LisppumpError
from lisppump.frame import Frame
from lisppump.lispy.limits import Limits
from lisppump.stages import Thought
from lisppump.workers.rule import HERE, Isolation

if TYPE_CHECKING:
    from lisppump.lispy import Result
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.lispy.capabilities import Web
    from lisppump.witness import Witness

DOCUMENT = "programs.json"
MOST_DATA = 4000  # characters of the data that an error of an echo keeps


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
    web: Web | None = None,
    isolation: Isolation = HERE,
) -> Result:
    """What a program comes to where it sees the frame, the values `defined` for it and plugins' builtins.

    `web` is the portal, for a program that is granted it; `isolation` says where it runs.
    """
    from lisppump.workers.pool import evaluate
    from lisppump.workers.program import Program

    program = Program(
        source,
        agent,
        f"program of {agent}",
        frozenset(allow),
        limits,
        (*seed, frame.number, agent),
        frame.time,
        defined,
    )
    return evaluate(program, frame, isolation=isolation, web=web, builtins=builtins)


def error_of(error: LisppumpError) -> dict[str, Any]:
    """What an echo says of the error that ended it, with the error's data where that is small."""
    from lisppump.lispy.printer import glimpse, to_json

    said = error.to_json()
    if error.data is None or len(glimpse(error.data, MOST_DATA)) >= MOST_DATA:
        return said
    try:
        return {**said, "data": to_json(error.data, procedures=True)}
    except LisppumpError:  # it is nested deeper than data may be
        return said


def thought_of(
    frame: Frame,
    agent: str,
    source: str,
    *,
    allow: Collection[str],
    limits: Limits,
    seed: tuple[Any, ...],
    builtins: Mapping[str, BuiltinSpec],
    witness: Witness | None,
    isolation: Isolation = HERE,
) -> Thought:
    """What a program thinks over a frame in the name of an agent, which it knows as `self`.

    Only with a witness has it the web, if it is granted that.
    """
    granted = tuple(sorted(allow))

    def think(web: Web | None) -> Thought:
        result = run_program(
            frame,
            agent,
            source,
            allow=allow,
            limits=limits if witness is None else witness.limits(limits),
            seed=seed,
            defined={"self": agent},
            builtins=builtins,
            web=web,
            isolation=isolation,
        )
        error = None if result.error is None else error_of(result.error)
        return Thought(
            agent, source, result.value, error, result.output, result.usage, granted, result.capabilities
        )

    return think(None) if witness is None else witness.run(Thought(agent, source, granted=granted), think)
