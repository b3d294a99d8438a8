"""The relay of hooks: the order of advice, what becomes of faults, and whose they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import BackendError, Reply, Thought, hookimpl
from lisppump.advice import Complaints, frame_of, relay
from lisppump.calling import Failure
from lisppump.delta import Delta
from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Stream
from lisppump.registry import Registry
from lisppump.stages import Assignment
from lisppump.testing import frame_of as a_frame
from lisppump.testing import people, request_of

FRAME = a_frame({}, 3)
ANN, BOB = people("ann", "bob")


class Verbs:
    """What answers where no plugin does."""

    def who(self, hook: str, given: Any) -> str:
        return "the built-in verb"

    @hookimpl(trylast=True)
    def select(self, policy: Any, frame: Any) -> tuple[Agent, ...]:
        return (ANN, BOB)

    @hookimpl(trylast=True)
    def assign(self, policy: Any, frame: Any, agents: Sequence[Agent]) -> Assignment:
        return Assignment((Stream(1, tuple(agent.id for agent in agents)),))

    @hookimpl(trylast=True)
    def pour(self, policy: Any, request: Any, alias: str) -> Any:
        async def answer() -> Reply:
            if alias == "down":
                raise BackendError(Failure.UNAVAILABLE, "nobody there")
            if alias == "bad":
                raise KeyError(alias)
            return Reply(text="{}")

        return answer()

    @hookimpl(trylast=True)
    def echo(self, policy: Any, frame: Any) -> tuple[Thought, ...]:
        return ()


def hooks_of(
    *plugins: tuple[str, Any],
    order: Sequence[str] = (),
    named: Sequence[str] = (),
    faults: Complaints | None = None,
) -> Any:
    registry = Registry()
    for name, plugin in plugins:
        registry.register(plugin, name)
    complaints = faults or Complaints()
    return relay(registry.contents(), Verbs(), order=order, named=named, complaints=complaints)


def adviser(said: list[str], name: str, **options: bool) -> SimpleNamespace:
    def select(frame: Any) -> Generator[None, Any, Any]:
        said.append(f"{name} before")
        agents = yield
        said.append(f"{name} after")
        return agents

    return SimpleNamespace(select=hookimpl(wrapper=True, **options)(select))


# -- order


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ((), "alpha beta gamma"),
        (("gamma",), "gamma alpha beta"),
        (("beta", "gamma", "nobody"), "beta gamma alpha"),
    ],
)
def test_wrappers_stand_as_the_policy_lists_them_then_by_name(order: Sequence[str], wanted: str) -> None:
    said: list[str] = []
    plugins = [(name, adviser(said, name)) for name in ("gamma", "alpha", "beta")]
    assert hooks_of(*plugins, order=order).select(policy=None, frame=FRAME) == (ANN, BOB)
    names = wanted.split()
    assert said == [f"{name} before" for name in names] + [f"{name} after" for name in reversed(names)]


def test_a_plugin_s_own_wish_counts_only_where_the_policy_has_none() -> None:
    said: list[str] = []
    last, first = adviser(said, "alpha", trylast=True), adviser(said, "beta", tryfirst=True)
    plugins = [("alpha", last), ("beta", first)]
    hooks_of(*plugins).select(policy=None, frame=FRAME)
    assert said[:2] == ["beta before", "alpha before"]
    said.clear()
    hooks_of(*plugins, order=["alpha"]).select(policy=None, frame=FRAME)
    assert said[:2] == ["alpha before", "beta before"]


def test_the_first_that_answers_a_verb_is_asked_by_the_same_order() -> None:
    def answering(agents: tuple[Agent, ...] | None) -> SimpleNamespace:
        return SimpleNamespace(select=hookimpl(lambda frame: agents))

    plugins = [("alpha", answering(None)), ("beta", answering((ANN,))), ("gamma", answering((BOB,)))]
    assert hooks_of(*plugins).select(policy=None, frame=FRAME) == (ANN,)
    assert hooks_of(*plugins, order=["gamma"]).select(policy=None, frame=FRAME) == (BOB,)


def test_a_list_will_do_for_a_tuple() -> None:
    plugin = SimpleNamespace(select=hookimpl(lambda frame: [BOB]))
    assert hooks_of(("mine", plugin)).select(policy=None, frame=FRAME) == (BOB,)


# -- faults


def raising(place: str) -> SimpleNamespace:
    def select(frame: Any) -> Generator[None, Any, Any]:
        if place == "before":
            raise KeyError("ann")
        agents = yield
        if place == "after":
            raise KeyError("ann")
        if place == "nothing":
            return None
        if place == "twice":
            yield
        return agents

    return SimpleNamespace(select=hookimpl(wrapper=True)(select))


def unyielding(frame: Any) -> Generator[None, Any, Any]:
    if frame is None:
        yield
    return FRAME


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (raising("before"), "hook `select` of plugin mine raised KeyError: 'ann' ("),
        (raising("after"), "hook `select` of plugin mine raised KeyError: 'ann' ("),
        (raising("nothing"), "plugin mine broke its contract: it gave None, where a list of Agents is"),
        (raising("twice"), "hook `select` of plugin mine broke its contract: a wrapper yields once"),
        (SimpleNamespace(select=hookimpl(wrapper=True)(unyielding)), "contract: a wrapper yields once"),
        (SimpleNamespace(select=hookimpl(lambda frame: 5)), "it gave an int, where a list of Agents"),
        (SimpleNamespace(select=hookimpl(lambda frame: [Agent(5, {})])), "an Agent whose id is no text"),  # type: ignore[arg-type]
        (SimpleNamespace(select=hookimpl(lambda frame: [ANN, ANN])), "it gave ann more than once (frame 4)"),
    ],
)
def test_a_fault_is_passed_over_or_stops_where_pump_lisp_names_the_plugin(plugin: Any, said: str) -> None:
    faults = Complaints()
    assert hooks_of(("mine", plugin), faults=faults).select(policy=None, frame=FRAME) == (ANN, BOB)
    (told,) = faults.told()
    assert said in told
    with pytest.raises(LisppumpError) as caught:
        hooks_of(("mine", plugin), named=["mine"]).select(policy=None, frame=FRAME)
    assert (caught.value.code, caught.value.exit_code) == ("plugin-failed", 4)
    assert said in caught.value.message
    assert caught.value.help == "leave it out with -p no:mine, or tell its authors"


def test_a_fault_shows_the_plugin_s_own_frames() -> None:
    with pytest.raises(LisppumpError) as caught:
        hooks_of(("mine", raising("after")), named=["mine"]).select(policy=None, frame=FRAME)
    (frame,) = caught.value.trace
    assert frame.startswith("select (") and "test_advice.py:" in frame


def test_the_error_of_the_others_passes_a_wrapper_as_it_is() -> None:
    wrong = LisppumpError("contract", "dam `x` lost ann")

    def select(frame: Any) -> Any:
        raise wrong

    faults = Complaints()
    said: list[str] = []
    plugins = [("alpha", adviser(said, "alpha")), ("beta", SimpleNamespace(select=hookimpl(select)))]
    with pytest.raises(LisppumpError) as caught:
        hooks_of(*plugins, named=["beta"], faults=faults).select(policy=None, frame=FRAME)
    assert "plugin beta broke its contract: dam `x` lost ann" in caught.value.message
    assert faults.told() == [] and said == ["alpha before"]


def test_a_wrapper_may_mend_what_the_others_broke() -> None:
    def mending(frame: Any) -> Generator[None, Any, Any]:
        try:
            agents = yield
        except LisppumpError:
            return (BOB,)
        return agents

    def broken(frame: Any) -> Any:
        raise ValueError("no")

    plugins = [
        ("alpha", SimpleNamespace(select=hookimpl(wrapper=True)(mending))),
        ("beta", SimpleNamespace(select=hookimpl(broken))),
    ]
    assert hooks_of(*plugins, named=["beta"]).select(policy=None, frame=FRAME) == (BOB,)


def test_who_only_listens_is_never_raised_but_told_and_all_others_hear() -> None:
    heard: list[int] = []

    def bad(number: int) -> None:
        raise SystemExit(3)

    plugins = [
        ("alpha", SimpleNamespace(frame_started=hookimpl(bad))),
        ("beta", SimpleNamespace(frame_started=hookimpl(lambda number: heard.append(number)))),
    ]
    faults = Complaints()
    hooks_of(*plugins, faults=faults).frame_started(frame=FRAME, number=4, streams=())
    assert heard == [4]
    (told,) = faults.told()
    faults.stop()
    hooks_of(*plugins, named=["alpha"], faults=faults).frame_started(frame=FRAME, number=4, streams=())
    with pytest.raises(LisppumpError, match="hook `frame_started` of plugin alpha"):
        faults.stop()
    assert "hook `frame_started` of plugin alpha raised SystemExit: 3 (" in told and "frame 4)" in told


def test_what_a_hook_is_given_it_has_for_itself() -> None:
    """Whatever it does with frame, agents, deltas or report, nobody else sees it."""
    seen: list[Any] = []

    def spoil(frame: Any) -> None:
        frame.documents["a.json"]["n"].append(2)
        frame.documents["log.jsonl"][0]["n"] = 2
        frame.virtual["last"]["n"] = 2
        seen.append(frame)

    frame = a_frame({"a.json": {"n": [1]}, "log.jsonl": [{"n": 1}]}, 3)
    frame = replace(frame, virtual={"last": {"n": 1}})
    delta = Delta(4, 1, "2026-01-01T00:00:00Z", {"lines": [{"text": "hi"}]}, rejected=({"item": {}},))
    report = {"lines": {"in": 1}}

    def select(frame: Any) -> None:
        spoil(frame)

    def stream_replied(delta: Any) -> None:
        delta.collections["lines"][0]["text"] = "HACKED"
        delta.rejected[0]["item"] = 5
        delta.collections.clear()

    def frame_committed(frame: Any, report: Any) -> None:
        spoil(frame)
        report["lines"]["in"] = 5
        report.clear()

    def merge(frame: Any, deltas: Any) -> None:
        spoil(frame)
        stream_replied(deltas[0])

    hooks = (select, stream_replied, frame_committed, merge)
    plugin = SimpleNamespace(**{hook.__name__: hookimpl(hook) for hook in hooks})
    faults = Complaints()
    relayed = hooks_of(("mine", plugin), faults=faults)
    relayed.select(policy=None, frame=frame)
    relayed.stream_replied(number=4, stream=Stream(1, ("ann",)), delta=delta)
    relayed.frame_committed(frame=frame, report=report)
    relayed.merge(policy=None, frame=frame, deltas=(delta,), schema=None)
    assert faults.told() == [] and len(seen) == 3
    assert frame.documents["a.json"] == {"n": [1]} and frame.virtual == {"last": {"n": 1}}
    assert list(frame.documents["log.jsonl"]) == [{"n": 1}]
    assert (delta.collections, delta.rejected) == ({"lines": [{"text": "hi"}]}, ({"item": {}},))
    assert report == {"lines": {"in": 1}}


def test_ctrl_c_in_a_plugin_is_ctrl_c() -> None:
    def interrupted(frame: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hooks_of(("mine", SimpleNamespace(select=hookimpl(interrupted)))).select(policy=None, frame=FRAME)


@pytest.mark.parametrize(
    ("rooms", "said"),
    [
        (Assignment((Stream(1, ("ann",)),)), "it lost bob"),
        (Assignment((Stream(1, ("ann", "bob", "eve")),)), "it made up eve"),
        ([["ann", "bob"]], "it gave a list, where an Assignment is wanted"),
        (Assignment((Stream(1, ("ann", "bob")),), (5,)), "the notes of its Assignment should be text"),  # type: ignore[arg-type]
    ],
)
def test_an_assignment_is_held_to_what_dams_are_held_to(rooms: Any, said: str) -> None:
    faults = Complaints()
    hooks = hooks_of(("mine", SimpleNamespace(assign=hookimpl(lambda agents: rooms))), faults=faults)
    assert hooks.assign(policy=None, frame=FRAME, agents=(ANN, BOB)).streams == (Stream(1, ("ann", "bob")),)
    assert said in faults.told()[0]


def test_thoughts_are_held_to_what_echoes_are_held_to() -> None:
    faults = Complaints()
    hooks = hooks_of(("mine", SimpleNamespace(echo=hookimpl(lambda frame: [5]))), faults=faults)
    assert hooks.echo(policy=None, frame=FRAME, witness=None) == ()
    (told,) = faults.told()
    assert "hook `echo` of plugin mine broke its contract: it gave an int, where a Thought is wanted" in told


# -- pour, which is awaited


def poured(
    wrapper: Callable[[Any], Any] | None,
    alias: str = "up",
    faults: Complaints | None = None,
    named: Sequence[str] = (),
    seconds: float | None = None,
) -> Any:
    def pour(request: Any, alias: str) -> Generator[None, Any, Any]:
        answer = yield
        assert wrapper is not None
        return wrapper(answer)

    async def ask() -> Any:
        plugin = SimpleNamespace(pour=hookimpl(wrapper=True)(pour))
        hooks = hooks_of(("mine", plugin), faults=faults, named=named)
        async with asyncio.timeout(seconds):
            return await hooks.pour(policy=None, request=request_of(FRAME, (ANN,)), alias=alias)

    return asyncio.run(ask())


async def passing(answer: Any) -> Any:
    return await answer


async def failing(answer: Any) -> Any:
    await answer
    raise ValueError("not this reply")


class Exit(BaseException):
    """Neither an Exception nor an exit."""


async def early(answer: Any) -> Any:
    raise Exit("not now")


async def garbled(answer: Any) -> Any:
    await answer
    return "a reply"


async def alone(answer: Any) -> Any:
    return Reply(text="[]")


def test_a_wrapped_answer_goes_through() -> None:
    assert poured(lambda answer: answer).text == "{}"
    assert poured(passing).text == "{}"
    assert poured(alone).text == "[]"  # and the call that nobody made is let go of


def test_a_backend_s_own_errors_stay_its_own() -> None:
    with pytest.raises(BackendError):
        poured(passing, "down")
    with pytest.raises(KeyError):
        poured(passing, "bad")


@pytest.mark.parametrize(
    ("wrapper", "said"),
    [
        (failing, "raised ValueError: not this reply ("),
        (early, "raised Exit: not now ("),
        (garbled, "broke its contract: it gave a str, where a Reply is wanted"),
    ],
)
def test_what_a_wrapper_makes_of_an_answer_is_its_fault(wrapper: Any, said: str) -> None:
    with pytest.raises(LisppumpError) as caught:
        poured(wrapper, named=["mine"])
    assert f"hook `pour` of plugin mine {said}" in caught.value.message
    faults = Complaints()
    assert poured(wrapper, faults=faults).text == "{}"  # where nobody names it, the answer stands
    assert f"hook `pour` of plugin mine {said}" in faults.told()[0]
    with pytest.raises(BackendError):
        poured(wrapper, "down", faults=faults)


def test_a_call_that_is_cancelled_is_no_fault_of_a_wrapper() -> None:
    faults = Complaints()

    async def waiting(answer: Any) -> Any:
        await asyncio.sleep(60)

    async def cancelled(answer: Any) -> Any:
        raise asyncio.CancelledError

    with pytest.raises(TimeoutError):
        poured(waiting, faults=faults, seconds=0)
    assert faults.told() == []
    assert poured(cancelled, faults=faults).text == "{}"
    assert "plugin mine raised CancelledError" in faults.told()[0]


def test_a_pour_that_gives_nothing_to_await_is_passed_over() -> None:
    faults = Complaints()
    assert poured(lambda answer: 5, faults=faults).text == "{}"
    assert "it should give something to await, for a Reply (frame 4)" in faults.told()[0]


# -- frames and traces


def test_the_frame_of_a_hook_is_the_one_in_the_making() -> None:
    assert frame_of("select", {"frame": FRAME}) == 4
    assert frame_of("frame_committed", {"frame": FRAME}) == 3
    assert frame_of("pour", {"request": request_of(FRAME, (ANN,))}) == 4
    assert frame_of("stream_replied", {"number": 7}) == 7
    assert frame_of("policy_reloaded", {"policy": None}) is None


def test_a_trace_is_a_line_a_call() -> None:
    said: list[str] = []
    registry = Registry()
    registry.register(adviser([], "mine"), "mine")
    hooks = relay(registry.contents(), Verbs(), complaints=Complaints(), trace=said.append)
    hooks.select(policy=None, frame=FRAME)
    hooks.policy_reloaded(policy=None)
    assert [line.rpartition("  ")[0] for line in said] == [
        "hook select  frame 4  mine (wrapper), the built-in verb",
        "hook policy_reloaded  nobody",
    ]
    assert all(line.endswith(" ms") for line in said)
