"""Agents' LisPy programs: where the frame keeps their own, and one run of one, in a sandbox of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lisppump.errors import LisppumpError, legible
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
FORM = 'it should be like {"ada" "(+ 1 2)"} or {"ada" {"source" "(+ 1 2)"}}'


def programs_of(frame: Frame) -> dict[str, str]:
    """The program of each agent that has one, by id; the document holds texts or `{"source": text}`."""
    document = frame.documents.get(DOCUMENT)
    if not isinstance(document, dict):
        return {}
    found = {
        key: entry.get("source") if isinstance(entry, dict) else entry for key, entry in document.items()
    }
    return {key: source for key, source in sorted(found.items()) if isinstance(source, str)}


def remarks_of(frame: Frame, agents: Collection[str] | None) -> Iterator[str]:
    """What is odd about the document, for people: what is passed over, and whose programs are nobody's."""
    document = frame.documents.get(DOCUMENT)
    if document is None:
        return
    if not isinstance(document, dict):
        yield f"{DOCUMENT} is no dict by agents' ids, and no program of it runs: {FORM}"
        return
    entries = {
        key: entry["source"] if isinstance(entry, dict) and "source" in entry else entry
        for key, entry in document.items()
    }
    odd = [key for key, entry in entries.items() if not (entry is None or isinstance(entry, str))]
    if odd:
        yield f"{DOCUMENT} has no text of a program under {_named(odd)}, which is passed over: {FORM}"
    written = [key for key, entry in entries.items() if isinstance(entry, str)]
    strangers = [key for key in written if agents is not None and key not in agents]
    if strangers:
        yield f"{DOCUMENT} has a program under {_named(strangers)}, who is no agent; it runs all the same"


def _named(keys: Sequence[str]) -> str:
    """The first keys, each as it can be shown, and how many more there are."""
    first = [f"`{legible(key[:40])}`" for key in sorted(keys)[:3]]
    more = f" and {len(keys) - len(first)} more" if len(keys) > len(first) else ""
    return ", ".join(first) + more


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
    """What an echo says of the error that ended it, with the error's data where that is small.

    A procedure in it is its text: who reads of an error wants to know what was there.
    """
    from lisppump.lispy.printer import glimpse, to_json

    said = error.to_json()
    if error.data is None or len(glimpse(error.data, MOST_DATA)) >= MOST_DATA:
        return said
    try:
        return {**said, "data": to_json(error.data, spelt=True)}
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
