"""Contract checks of dams, backends, mergers and echoes: what keeps one passes, each breach is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
from lisppump.plugins.backend_none import NoBackend
from lisppump.plugins.dam_affinity import Affinity
from lisppump.plugins.dam_round_robin import RoundRobin
from lisppump.plugins.merge_dream_catcher import DreamCatcher

from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.delta import Collection, Delta, Field, Schema, Target, Usage
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Frame, Stream
from lisppump.merge import Change, Merged
from lisppump.stages import Thought
from lisppump.testing import (
    Scripted,
    check_backend,
    check_dam,
    check_echo,
    check_merger,
    frame_of,
    people,
    request_of,
)

FRAME = frame_of({"a.json": {"n": 1}, "log.jsonl": [{"id": 1}]})


def breach(check: Callable[..., Any], *args: Any, **named: Any) -> str:
    """What a check says of a breach."""
    with pytest.raises(LisppumpError) as caught:
        check(*args, **named)
    assert caught.value.code == "contract"
    return caught.value.message


@dataclass
class Does:
    """A stage of every kind that does what it was made with; `calls` counts."""

    what: Callable[..., Any]
    calls: int = 0

    def assign(self, frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> Any:
        self.calls += 1
        return self.what(frame, agents, n, seed)

    async def pour(self, request: Request) -> Any:
        self.calls += 1
        return self.what(request)

    def merge(self, frame: Frame, deltas: Sequence[Delta], schema: Schema) -> Any:
        self.calls += 1
        return self.what(frame, deltas)

    def think(self, frame: Frame, seed: tuple[Any, ...]) -> Any:
        self.calls += 1
        return self.what(frame)


def raises(error: BaseException) -> Callable[..., Any]:
    def falls(*args: Any) -> Any:
        raise error

    return falls


# -- what all have in common


class Misspelt:
    """A dam with another word for it."""

    def asign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
        return []


class Short:
    """A dam that forgot the seed."""

    def assign(self, frame: Any, agents: Any, n: int) -> Any:
        return []


class Later:
    """A dam that is awaited."""

    async def assign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
        return []


class Plain:
    """A backend that is not."""

    def pour(self, request: Request) -> Any:
        return Reply(text="")


@pytest.mark.parametrize(
    ("check", "args", "said"),
    [
        (check_dam, (RoundRobin,), "a dam is wanted here, got the class RoundRobin"),
        (check_dam, (Misspelt(),), "should have the method assign(frame, agents, n, seed); it has none"),
        (check_dam, (Short(),), "should have assign(frame, agents, n, seed), it has assign(frame: "),
        (check_dam, (Later(),), "has `async def assign`; an ordinary function is wanted"),
        (check_backend, (RoundRobin(),), "backend `RoundRobin` should have the method pour(request)"),
        (check_backend, (Plain(),), "backend `Plain` should have `async def pour`; it has `def pour`"),
        (check_merger, (5, FRAME, [], Schema()), "`int` should have the method merge(frame, deltas, schema)"),
        (check_echo, (Does, FRAME), "an echo is wanted here, got the class Does"),
    ],
)  # fmt: skip
def test_what_is_no_stage_of_the_kind_is_told(check: Any, args: Any, said: str) -> None:
    assert said in breach(check, *args)


@pytest.mark.parametrize(
    ("check", "args"),
    [(check_dam, ()), (check_backend, ()), (check_merger, (FRAME, [], Schema())), (check_echo, (FRAME,))],
)
@pytest.mark.parametrize("error", [KeyError("ann"), SystemExit(3)])
def test_a_stage_that_falls_is_told_with_the_place(check: Any, args: Any, error: BaseException) -> None:
    said = breach(check, Does(raises(error)), *args)
    assert f"it raised {type(error).__name__}: {error} ({__file__}:" in said


@pytest.mark.parametrize(
    ("check", "args"), [(check_dam, ()), (check_merger, (FRAME, [], Schema())), (check_echo, (FRAME,))]
)
def test_an_error_of_its_own_is_passed_on(check: Any, args: Any) -> None:
    with pytest.raises(LisppumpError, match="not in this world") as caught:
        check(Does(raises(LisppumpError("bad-rooms", "not in this world"))), *args)
    assert caught.value.code == "bad-rooms"


@pytest.mark.parametrize("kind", ["dam", "backend", "merger", "echo"])
def test_a_frame_that_was_changed_is_found(kind: str) -> None:
    agents = people("ann", mood="calm")
    frame = frame_of({"agents.json": {"agents": {"ann": agents[0].data}}})

    def spoils(given: Any, *more: Any) -> Any:
        documents = given.frame.documents if isinstance(given, Request) else given.documents
        documents["agents.json"]["agents"]["ann"]["mood"] = f"call {stage.calls}"
        return {"dam": [["ann"]], "backend": Reply(text=""), "merger": Merged((), {}, ()), "echo": []}[kind]

    stage = Does(spoils)
    checks = {
        "dam": lambda: check_dam(stage, frame, agents),
        "backend": lambda: check_backend(stage, request_of(frame, agents)),
        "merger": lambda: check_merger(stage, frame, [], Schema()),
        "echo": lambda: check_echo(stage, frame),
    }
    assert "changed the frame" in breach(checks[kind])


# -- dams


def test_dams_that_keep_the_contract_pass() -> None:
    check_dam(RoundRobin())
    check_dam(RoundRobin(room_size=3))
    check_dam(Affinity(lambda one, other: 1), counts=(1, 7), streams=(2,))


def ids(agents: Sequence[Agent]) -> list[str]:
    return [agent.id for agent in agents]


@pytest.mark.parametrize(
    ("rooms", "said"),
    [
        (lambda who: [who[1:]] if len(who) > 1 else [who], "lost agent-00"),
        (lambda who: [who, who[:1]], "put twice agent-00"),
        (lambda who: [[*who, "zoe"]], "made up zoe"),
        (lambda who: [who, []], "left empty stream-0002"),
        (lambda who: None, "should give rooms, lists of agents' ids; it gave None"),
        (lambda who: who, "should give lists of agents' ids as rooms; it gave the str 'agent-00'"),
        (lambda who: [[*who, 5]], "should put agents' ids into rooms; it put in the int 5"),
        (lambda who: [Stream(1, tuple(who), name=5)], "gave stream-0001 a name that is no text"),  # type: ignore[arg-type]
        (lambda who: [Stream(1, tuple(who), topic={1})], "a name that is no text"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_a_dam_that_breaks_its_contract_is_told_with_the_agents(rooms: Any, said: str) -> None:
    told = breach(check_dam, Does(lambda frame, agents, n, seed: rooms(ids(agents))))
    assert told.startswith("dam `Does` ")
    assert said in told


def test_a_dam_that_throws_dice_of_its_own_is_found() -> None:
    def deals(frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> Any:
        who = ids(agents)
        return [who] if dam.calls % 2 or len(who) == 1 else [who[:1], who[1:]]

    dam = Does(deals)
    assert "gave two answers for 2 agents, 1 streams and one seed" in breach(check_dam, dam)


def test_a_dam_that_remembers_is_found_though_it_answers_twice_alike() -> None:
    met: list[tuple[int, int]] = []

    def deals(frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> Any:
        if not met or met[-1] != (len(agents), n):
            met.append((len(agents), n))
        who = ids(agents)
        return [who] if len(met) < 6 else [[one] for one in who]

    assert "two answers" in breach(check_dam, Does(deals))


def test_a_dam_may_be_asked_about_a_world_that_it_knows() -> None:
    agents = people("ann", "bob")
    frame = frame_of({"friends.json": {"ann": "bob"}})

    def deals(frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> Any:
        return [next(iter(frame.documents["friends.json"].items()))]

    check_dam(Does(deals), frame, agents)
    assert "lost cid" in breach(check_dam, Does(deals), frame, (*agents, *people("cid")))


def test_seeds_have_all_their_bits() -> None:
    seeds = set()

    def deals(frame: Frame, agents: Sequence[Agent], n: int, seed: int) -> Any:
        seeds.add(seed)
        return [ids(agents)]

    check_dam(Does(deals))
    assert min(seeds) >= 2**63


# -- backends


def test_backends_that_keep_the_contract_pass() -> None:
    assert isinstance(check_backend(NoBackend()), Reply)
    assert isinstance(check_backend(Scripted({1: "text"})), Reply)
    error = check_backend(Scripted({1: BackendError(Failure.THROTTLED, "wait")}))
    assert isinstance(error, BackendError)


BROKEN_USAGE = Usage(input=-1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "it gave None, where a Reply is wanted"),
        ({}, "it gave a dict, where a Reply is wanted"),
        (Reply(), "either text or data"),
        (Reply(text="a", data={}), "either text or data"),
        (Reply(text=b"a"), "the text of its Reply is no text"),  # type: ignore[arg-type]
        (Reply(data=[1]), "the data of its Reply is no dict"),  # type: ignore[arg-type]
        (Reply(data={"x": 1}), "data that is no dict of lists"),
        (Reply(data={"x": [{1, 2}]}), "no JSON value"),
        (Reply(data={"x": [float("nan")]}), "the number nan"),
        (Reply(text="a", model=5), "the model of its Reply is no text"),  # type: ignore[arg-type]
        (Reply(text="a", stop="length"), "should be one of end, partial, truncated"),
        (Reply(text="a", stop="partial"), "a partial Reply without a reason"),
        (Reply(text="a", stop="partial", reason=7), "the reason of its Reply is no text"),  # type: ignore[arg-type]
        (Reply(text="a", usage=BROKEN_USAGE), "the usage of its Reply"),
        (Reply(text="a", usage={}), "the usage of its Reply"),  # type: ignore[arg-type]
        (Reply(text="a", usage=Usage(input=5)), "used 5 tokens and has no max_tokens"),
    ],
)
def test_a_backend_that_gives_no_proper_reply_is_found(answer: Any, said: str) -> None:
    told = breach(check_backend, Does(lambda request: answer))
    assert told.startswith("backend `Does` ")
    assert said in told


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BackendError(Failure.REFUSED, "  "), "a BackendError that says no reason"),
        (BackendError(Failure.REFUSED, None), "a BackendError that says no reason"),  # type: ignore[arg-type]
        (LisppumpError("bad-value", "what"), "should raise a BackendError, it raised error[bad-value]: what"),
        (TimeoutError("slow"), "it raised TimeoutError: slow"),
        (asyncio.CancelledError(), "it raised CancelledError"),
    ],
)
def test_a_backend_that_raises_anything_else_is_found(error: BaseException, said: str) -> None:
    assert said in breach(check_backend, Does(raises(error)))


def test_a_backend_that_never_answers_is_found() -> None:
    request = request_of(FRAME, people("ann"), deadline=0.01)
    assert "gave no answer in the 0.01 s" in breach(check_backend, Scripted({1: "hang"}), request)


@pytest.mark.parametrize(
    ("most", "usage", "said"),
    [
        ("many", Usage(), "has the max_tokens 'many'"),
        (float("inf"), Usage(), "has the max_tokens inf"),
        (-1, Usage(), "has the max_tokens -1"),
        (True, Usage(), "has the max_tokens True"),
        (10, Usage(output=11), "said at most 10 tokens, and gave 11"),
    ],
)
def test_a_backend_is_held_to_the_tokens_that_it_declares(most: Any, usage: Usage, said: str) -> None:
    backend = Does(lambda request: Reply(text="", usage=usage))
    backend.max_tokens = most  # type: ignore[attr-defined]
    assert said in breach(check_backend, backend)


def test_a_backend_within_its_tokens_passes() -> None:
    backend = Does(lambda request: Reply(text="", usage=Usage(input=500, output=10)))
    backend.max_tokens = 10  # type: ignore[attr-defined]
    assert check_backend(backend).usage.output == 10  # type: ignore[union-attr]
    assert backend.calls == 1


# -- mergers


LINES = Collection(
    "lines", (Field("text", "string"),), into=Target("log.jsonl"), counts=(Target("a.json", ("n",)),)
)
SCHEMA = Schema((LINES,))


def delta(stream: int, *texts: str, **more: Any) -> Delta:
    utc = f"2026-01-01T00:00:00.{stream:06d}Z"
    return Delta(1, stream, utc, {"lines": [{"text": text} for text in texts]}, **more)


PROBLEM = {"collection": "lines", "index": 9, "reason": "missing", "message": "it lacks text", "item": {}}
DELTAS = (delta(2, "b", "c"), delta(1, "a"), delta(3, rejected=(PROBLEM,)))


def account(into: int, merged: int | None = None, quarantined: int = 0) -> dict[str, dict[str, int]]:
    kept = into - quarantined if merged is None else merged
    return {"lines": {"in": into, "merged": kept, "duplicate": 0, "quarantined": quarantined}}


GOOD = Merged((Change("a.json", "add", ("n",), 1),), account(4, quarantined=1), (PROBLEM,))


def test_mergers_that_keep_the_contract_pass() -> None:
    merged = check_merger(DreamCatcher(), FRAME, DELTAS, SCHEMA)
    assert merged.report["lines"] == {"in": 4, "merged": 3, "duplicate": 0, "quarantined": 1}
    twice = (*DELTAS, DELTAS[1], replace(DELTAS[2]))
    assert check_merger(DreamCatcher(), FRAME, twice, SCHEMA).report["lines"]["in"] == 6
    assert check_merger(Does(lambda frame, deltas: GOOD), FRAME, DELTAS, SCHEMA) == GOOD
    lazy = Does(lambda frame, deltas: replace(GOOD, changes=(change for change in GOOD.changes)))
    assert check_merger(lazy, FRAME, DELTAS, SCHEMA) == GOOD


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "gave None, where a Merged is wanted"),
        (replace(GOOD, changes=(5,)), "gave something that is no change"),  # type: ignore[arg-type]
        (replace(GOOD, changes=None), "should give changes, a report and a quarantine"),  # type: ignore[arg-type]
        (replace(GOOD, changes=(Change("a.json", "zap", (), 1),)), "gave something that is no change"),
        (replace(GOOD, report={"lines": 4}), "should count items of lines"),  # type: ignore[dict-item]
        (replace(GOOD, report=account(4, merged=1)), "lost or made up items of lines"),
        (replace(GOOD, report={}), "was given 4 items of lines and accounts for 0"),
        (replace(GOOD, report=account(3), quarantine=()), "was given 4 items of lines and accounts for 3"),
        (replace(GOOD, report={**account(4, quarantined=1), "x": account(1)["lines"]}), "given 0 items of x"),
        (replace(GOOD, quarantine=()), "counts 1 items as quarantined, its quarantine holds 0"),
        (replace(GOOD, quarantine=({"item": 1},)), "without a `message`"),
        (replace(GOOD, changes=(Change("a.json", "append", (), [1]),)), "something that is not a list"),
        (replace(GOOD, changes=(Change("log.jsonl", "set", (), 5),)), "not a list"),
        (replace(GOOD, changes=(Change("a.md", "set", (), 5),)), "a.md should hold text"),
        (replace(GOOD, changes=(Change("a.json", "set", ("n",), {1}),)), "cannot be kept"),
        (replace(GOOD, changes=(Change("../a.json", "set", (), 1),)), "no name of a document"),
        (replace(GOOD, changes=(Change("a.csv", "set", (), 1),)), "no name of a document"),
    ],
)  # fmt: skip
def test_a_merger_is_held_to_its_account_and_its_changes(result: Any, said: str) -> None:
    told = breach(check_merger, Does(lambda frame, deltas: result), FRAME, DELTAS, SCHEMA)
    assert "merger `Does` " in told
    assert said in told


def test_a_merger_that_looks_at_the_order_is_found() -> None:
    def first(frame: Frame, deltas: Sequence[Delta]) -> Any:
        return replace(GOOD, changes=(Change("a.json", "set", ("first",), deltas[0].stream),))

    assert "the order in which deltas arrive" in breach(check_merger, Does(first), FRAME, DELTAS, SCHEMA)

    def quarantines(frame: Frame, deltas: Sequence[Delta]) -> Any:
        return replace(GOOD, quarantine=({**PROBLEM, "frame": deltas[-1].stream},))

    assert "the order" in breach(check_merger, Does(quarantines), FRAME, DELTAS, SCHEMA)


def test_a_merger_that_gives_two_answers_is_found() -> None:
    numbers: Iterator[int] = count()

    def counts(frame: Frame, deltas: Sequence[Delta]) -> Any:
        return replace(GOOD, changes=(Change("a.json", "set", ("n",), next(numbers)),))

    assert "gave two answers for one frame" in breach(check_merger, Does(counts), FRAME, DELTAS, SCHEMA)


def test_a_merger_that_changes_a_delta_is_found() -> None:
    given = (delta(1, "a"),)

    def spoils(frame: Frame, deltas: Sequence[Delta]) -> Any:
        deltas[0].collections["lines"][0]["text"] += "!"
        return Merged((), account(1), ())

    assert "changed the frame or a delta" in breach(check_merger, Does(spoils), FRAME, given, SCHEMA)


# -- echoes


def test_echoes_that_keep_the_contract_pass() -> None:
    thoughts = [Thought("a", "p", 1), Thought("b", "p", error={"code": "x"})]
    assert check_echo(Does(lambda frame: thoughts), FRAME) == tuple(thoughts)
    assert check_echo(Does(lambda frame: iter(thoughts)), FRAME) == tuple(thoughts)


@pytest.mark.parametrize(
    ("thoughts", "said"),
    [
        (None, "should give Thoughts; it raised TypeError"),
        ([5], "gave an int, where a Thought is wanted"),
        ([Thought("", "p")], "a Thought without a key"),
        ([Thought("a", "p", {1})], "a Thought that is no JSON data"),
        ([Thought("a", "p", error="bad")], "a broken error or usage"),  # type: ignore[arg-type]
        ([Thought("a", "p", usage=None)], "a broken error or usage"),  # type: ignore[arg-type]
        ([Thought("a", "p", 1), Thought("a", "q", 1)], "two thoughts of one key, `a`"),
    ],
)
def test_an_echo_is_held_to_what_it_thinks(thoughts: Any, said: str) -> None:
    told = breach(check_echo, Does(lambda frame: thoughts), FRAME)
    assert told.startswith("echo `Does` ")
    assert said in told


def test_an_echo_that_gives_two_answers_is_found() -> None:
    numbers = count()
    told = breach(check_echo, Does(lambda frame: [Thought("a", "p", next(numbers))]), FRAME)
    assert "gave two answers for one frame and one seed" in told
