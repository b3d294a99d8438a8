"""Contract checks for dams, backends, mergers and echoes. They ask what the loop asks, and a little more.

What the loop itself demands of an answer is demanded by its own functions in `lisppump.stages`. Beside that
a check asks again in other orders, and looks whether anything was changed that may only be read. Every breach
is a LisppumpError `contract`; an error of lisppump's that a stage raises itself is passed on.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lisppump import canon
from lisppump.calling import BackendError, Reply, Request, answered
from lisppump.clauses_types import is_inside
from lisppump.delta import Delta, Schema
from lisppump.delta_records import to_record
from lisppump.documents import digest, is_document
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame
from lisppump.merge import Merged, apply
from lisppump.stages import Assignment, Backend, Dam, Echo, Merger, Thought, assign, merged, thought
from lisppump.testing.breach import asked, breach, fingerprint, require, shaped
from lisppump.testing.simulation import frame_of, people, request_of

SEED = 0xD1CE_5EED_D1CE_5EED  # the loop's seeds have 64 bits, too
ANSWER = "give a Reply or raise a BackendError"
ONE_SEED = "take dice from `random.Random(seed)` alone, and remember nothing"


def check_dam(
    dam: Dam,
    frame: Frame | None = None,
    agents: Sequence[Agent] = (),
    *,
    counts: Sequence[int] = (1, 2, 5, 22),
    streams: Sequence[int] = (1, 3, 15),
) -> None:
    """Hold a dam to its contract: everyone in one room, nobody made up, the same for the same seed.

    Crowds of so many agents are made up, unless `frame` and `agents` say who is there.
    """
    whose = shaped("dam", dam)
    worlds = [_crowd(count) for count in counts] if frame is None else [(frame, tuple(agents))]
    asks = [(world, crowd, n) for world, crowd in worlds for n in streams]
    found = [_assigned(whose, dam, *ask) for ask in asks]
    again = [_assigned(whose, dam, *ask) for ask in reversed(asks)]
    for (_, crowd, n), one, other in zip(asks, found, reversed(again), strict=True):
        same = f"{whose} gave two answers for {len(crowd)} agents, {n} streams and one seed"
        require(one == other, same, ONE_SEED)


def _crowd(count: int) -> tuple[Frame, tuple[Agent, ...]]:
    agents = people(*(f"agent-{number:02d}" for number in range(count)), archetype="coder")
    return frame_of({"agents.json": {"agents": {agent.id: agent.data for agent in agents}}}), agents


def _assigned(whose: str, dam: Dam, frame: Frame, agents: Sequence[Agent], n: int) -> Assignment:
    data = [agent.data for agent in agents]
    before = fingerprint(frame, data)
    with asked(whose, "give rooms, lists of agents' ids"):
        found = assign(dam, frame, agents, n, SEED, name=type(dam).__name__)
    require(fingerprint(frame, data) == before, f"{whose} changed the frame, which it may only read")
    return found


def check_backend(backend: Backend, request: Request | None = None) -> Reply | BackendError:
    """Hold a backend to its contract: a Reply with text or data, or a BackendError; the frame untouched.

    It is called once, and given the time that the request has; then it is closed, where it has a `close`.
    """
    whose = shaped("backend", backend)
    most = getattr(backend, "max_tokens", None)
    sound = most is None or (most.__class__ is int and most >= 0)
    require(sound, f"{whose} has the max_tokens {most!r}; a whole number of tokens is wanted, or None")
    if request is None:
        frame, agents = _crowd(2)
        request = request_of(frame, agents)
    before = fingerprint(request.frame)
    try:
        with asked(whose, ANSWER):
            given = asyncio.run(_poured_once(whose, backend, request))
    finally:
        changed = fingerprint(request.frame) != before
    require(not changed, f"{whose} changed the frame, which it may only read")
    if isinstance(given, BackendError):
        spoken = isinstance(given.reason, str) and bool(given.reason.strip())
        require(spoken, f"{whose} raised a BackendError that says no reason")
        return given
    return _replied(whose, given, most)


async def _poured_once(whose: str, backend: Backend, request: Request) -> Any:
    """The same as one call of a run, at whose end it closes what it holds."""
    try:
        return await _poured(whose, backend, request)
    finally:
        close = getattr(backend, "close", None)
        if inspect.iscoroutinefunction(close):
            await close()


async def _poured(whose: str, backend: Backend, request: Request) -> Any:
    """What the backend gave, or the BackendError it raised; in the loop any other error is a defect of it."""
    time = asyncio.timeout(request.deadline)
    try:
        async with time:
            call = backend.pour(request)
            require(inspect.isawaitable(call), f"{whose} should have `async def pour`; it has `def pour`")
            return await call
    except BackendError as error:
        return error
    except LisppumpError as error:
        if error.code == "contract":
            raise
        said = f"{whose} should raise a BackendError, it raised error[{error.code}]: {error.message}"
        raise breach(said, error.help) from error
    except TimeoutError as error:
        if time.expired():
            raise breach(f"{whose} gave no answer in the {request.deadline:g} s of the request") from None
        raise error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise breach(f"{whose} should {ANSWER}; it raised CancelledError") from error


def _replied(whose: str, given: Any, most: int | None) -> Reply:
    try:
        reply = answered(given)
    except LisppumpError as error:
        raise breach(f"{whose} broke its contract: {error.message}", error.help) from error
    shaped_so = reply.data is None or all(isinstance(items, list) for items in reply.data.values())
    require(shaped_so, f"{whose} gave data that is no dict of lists: the data of a Reply holds collections")
    said = reply.stop != "partial" or bool(reply.reason)
    require(said, f"{whose} gave a partial Reply without a reason", "say who of the room did not answer")
    tokens = reply.usage.input + reply.usage.cache_read + reply.usage.cache_write + reply.usage.output
    declared = most is not None or tokens == 0
    require(declared, f"{whose} used {tokens} tokens and has no max_tokens, so that no budget can hold it")
    held = most is None or reply.usage.output <= most
    require(held, f"{whose} said at most {most} tokens, and gave {reply.usage.output}")
    return reply


def check_merger(merger: Merger, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Merged:
    """Hold a merger to its contract: the order of deltas decides nothing, and every item is accounted for."""
    whose = shaped("merger", merger)
    deltas = tuple(deltas)
    records = [to_record(delta) for delta in deltas]
    before = fingerprint(frame, records)
    half = len(deltas) // 2
    found = []
    for order in (deltas, deltas, deltas[::-1], deltas[half:] + deltas[:half]):
        with asked(whose, "give Merged"):
            found.append(merged(merger.merge(frame, list(order), schema), whose=whose))
        after = fingerprint(frame, [to_record(delta) for delta in deltas])
        require(after == before, f"{whose} changed the frame or a delta, which it may only read")
    first, *others = (_in_json(whose, result) for result in found)
    require(first == others[0], f"{whose} gave two answers for one frame and the same deltas")
    looks = f"{whose} looks at the order in which deltas arrive, which decides nothing"
    require(all(first == other for other in others), looks, "sort them by `delta.order`")
    _require_account(whose, found[0], deltas)
    _require_fit(whose, found[0], frame)
    return found[0]


def _in_json(whose: str, result: Merged) -> bytes:
    changes = [change.to_json() for change in result.changes]
    report = {name: dict(counts) for name, counts in result.report.items()}
    try:
        return canon.canonical([changes, report, [dict(entry) for entry in result.quarantine]])
    except LisppumpError as error:
        raise breach(f"{whose} gave changes that cannot be kept: {error.message}") from error


def _require_account(whose: str, result: Merged, deltas: Sequence[Delta]) -> None:
    """Hold the report to the items that came, those included that the check of a reply refused."""
    came: Counter[str] = Counter()
    for delta in deltas:
        came.update({name: len(items or ()) for name, items in delta.collections.items()})
        came.update(str(problem["collection"]) for problem in delta.rejected)
    for name in sorted({*came, *result.report}):
        counted = result.report.get(name, {}).get("in", 0)
        told = f"{whose} was given {came[name]} items of {name} and accounts for {counted}"
        require(counted == came[name], told)
    refused = sum(counts["quarantined"] for counts in result.report.values())
    listed = len(result.quarantine)
    told = f"{whose} counts {refused} items as quarantined, its quarantine holds {listed}"
    require(refused == listed, told)


def _require_fit(whose: str, result: Merged, frame: Frame) -> None:
    """Hold the changes to the documents: they can be carried out, and what they make can be kept."""
    try:
        made = apply(frame.documents, result.changes)
        for name, value in made.items():
            kept = is_document(name) and is_inside(name)
            require(kept, f"{whose} wrote `{name}`, which is no name of a document")
            digest(name, value)
    except LisppumpError as error:
        if error.code == "contract":
            raise
        raise breach(f"{whose} gave changes that cannot be kept: {error.message}", error.help) from error


def check_echo(echo: Echo, frame: Frame, seed: tuple[Any, ...] = ("echo", 0)) -> tuple[Thought, ...]:
    """Hold an echo to its contract: the same thoughts for the same frame, one a key, all of them data."""
    whose = shaped("echo", echo)
    before = fingerprint(frame)
    found: list[tuple[Thought, ...]] = []
    for _ in range(2):
        with asked(whose, "give Thoughts"):
            thoughts = list(echo.think(frame, seed))
        found.append(tuple(thought(entry, whose=whose) for entry in thoughts))
        require(fingerprint(frame) == before, f"{whose} changed the frame, which it may only read")
    one, other = (canon.canonical([[t.key, t.to_json(frame.number)] for t in thoughts]) for thoughts in found)
    require(one == other, f"{whose} gave two answers for one frame and one seed", ONE_SEED)
    for key, count in Counter(entry.key for entry in found[0]).items():
        require(count == 1, f"{whose} gave two thoughts of one key, `{key}`; the second would hide the first")
    return found[0]
