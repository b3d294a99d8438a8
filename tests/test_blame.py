"""Whose fault it is: whatever foreign code raises, gives or changes, the run says whose that was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import Pump, Reply, hookimpl
from lisppump.blame import BlamedReservoir, blamed
from lisppump.calling import BackendError, Failure
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.frame import Agent
from lisppump.merge import Merged
from lisppump.registry import Registry
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


class Oddity(BaseException):
    """Neither an Exception nor an exit."""


@pytest.mark.parametrize(
    "error",
    [
        Oddity("no"),
        GeneratorExit("no"),
        asyncio.CancelledError("no"),
        SystemExit("no"),
        LisppumpError("bad-usage", "no"),
        LisppumpError("budget-spent", "no"),
        LisppumpError("made-up", "no"),
        StateError("locked", "no"),
    ],
)
def test_whatever_a_stage_raises_has_its_name_and_no_exit_code_of_its_own(error: BaseException) -> None:
    said = f"dam `mine` of plugin p raised {type(error).__name__}: no"
    with pytest.raises(LisppumpError, match=said) as caught, blamed("dam", "mine", "p", 1):
        raise error
    assert (caught.value.code, caught.value.exit_code) == ("stage-failed", 4)


@pytest.mark.parametrize(
    ("kind", "plugin", "error"),
    [
        ("dam", "p", KeyboardInterrupt()),
        ("dam", "p", LisppumpError("contract", "it lost ann")),
        ("merger", "lisppump:dream-catcher", LisppumpError("no-agents", "no")),
        ("reservoir", "p", StateError("disk", "full")),
        ("executor", "p", GeneratorExit()),
    ],
)
def test_what_says_whose_it_is_stays_as_it_is(kind: str, plugin: str, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, blamed(kind, "mine", plugin, 1):
        raise error
    assert caught.value is error


def test_a_run_that_is_cancelled_is_nobody_s_fault() -> None:
    async def waits() -> None:
        with blamed("executor", "mine", "p", 1):
            await asyncio.sleep(60)

    async def run() -> None:
        async with asyncio.timeout(0):
            await waits()

    with pytest.raises(TimeoutError):
        asyncio.run(run())


def test_an_error_of_a_made_up_code_is_one_of_a_plugin() -> None:
    error = LisppumpError("made-up", "no")
    assert (error.category, error.exit_code, error.to_json()["code"]) == ("plugin", 4, "made-up")


@pytest.mark.parametrize(
    ("method", "answer", "said"),
    [
        ("names", None, "gave None for `names`, where a list of texts is wanted"),
        ("names", [5], "gave a list for `names`"),
        ("names", (name for name in ["a.json"]), "gave a generator for `names`"),
        ("fingerprint", object(), "gave an object for `fingerprint`, where a tuple of whole numbers"),
        ("fingerprint", [1], "gave a list for `fingerprint`"),
        ("fingerprint", (1.5,), "gave a tuple for `fingerprint`"),
        ("read", {1, 2}, "gave a set for `read`, where JSON data is wanted"),
    ],
)
def test_a_reservoir_is_held_to_what_it_gives(method: str, answer: Any, said: str) -> None:
    def give(*_: object) -> Any:
        return answer

    reservoir = BlamedReservoir(SimpleNamespace(**{method: give}), "mine", "p")
    with pytest.raises(LisppumpError) as caught:
        getattr(reservoir, method)(*(() if method == "names" else ("a.json",)))
    assert (caught.value.code, caught.value.help) == ("contract", "it comes from plugin p")
    assert f"reservoir `mine` {said}" in caught.value.message


def test_a_reservoir_that_keeps_its_contract_is_heard() -> None:
    class Keeps:
        names = staticmethod(lambda: ("a.json",))
        read = staticmethod(lambda name: {"a": [1]})
        fingerprint = staticmethod(lambda name: (1, 2))

    reservoir = BlamedReservoir(Keeps(), "mine", "p")
    assert (reservoir.names(), reservoir.read("a.json"), reservoir.fingerprint("a")) == (
        ("a.json",), {"a": [1]}, (1, 2),
    )  # fmt: skip


# -- whole frames


def world(tmp_path: Path, changes: Mapping[str, str] = {}) -> Path:
    text = ROOMS
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "pump.lisp").write_text(text)
    return tmp_path


def registry(**hooks: Any) -> Registry:
    found = Registry()
    found.register(SimpleNamespace(**{name: hookimpl(hook) for name, hook in hooks.items()}), "mine")
    return found


def test_an_unnamed_listener_changes_no_frame(tmp_path: Path) -> None:
    def stream_replied(delta: Any) -> None:
        delta.collections.clear()

    def frame_started(frame: Any) -> None:
        frame.documents["agents.json"]["agents"]["ann"]["likes"] = "HACK"

    def frame_committed(report: Any) -> None:
        report.clear()
        report["x"] = 5

    ours = registry(
        stream_replied=stream_replied, frame_started=frame_started, frame_committed=frame_committed
    )
    digests = []
    for name, given in (("plain", Registry()), ("spoilt", ours)):
        (tmp_path / name).mkdir()
        with Pump.open(world(tmp_path / name), registry=given) as pump:
            reports = pump.run(frames=3)
            digests.append([report.digest for report in reports])
            assert [report.notes for report in reports] == [()] * 3
            assert pump.head.documents["agents.json"]["agents"]["ann"].get("likes") != "HACK"
    assert digests[0] == digests[1]


def test_nobody_changes_the_texts_of_a_policy(tmp_path: Path) -> None:
    def select(policy: Any) -> None:
        policy.bundle.clear()

    with Pump.open(world(tmp_path), registry=registry(select=select)) as pump:
        (report,) = pump.step()
    assert "hook `select` of plugin mine raised AttributeError" in report.notes[0]


def test_foreign_stages_have_the_frame_for_themselves(tmp_path: Path) -> None:
    class Merger:
        """Changes what it is given, and merges nothing."""

        def merge(self, frame: Any, deltas: Any, schema: Any) -> Merged:
            frame.documents["stats.json"]["total_lines"] = 99
            for delta in deltas:
                delta.collections["lines"][0]["text"] = "HACKED"
            counts = {"in": 6, "merged": 0, "duplicate": 6, "quarantined": 0}
            return Merged((), {"lines": counts}, ())

    class Rooms:
        """Changes the frame, and puts all into one room."""

        def assign(self, frame: Any, agents: Any, n: int, seed: int) -> Any:
            frame.documents["stats.json"]["total_lines"] = 99
            return [[agent.id] for agent in agents]

    folder = world(tmp_path, {"(dam round-robin)": "(dam rooms) (merger spoils)"})
    given = registry(mergers=lambda: {"spoils": Merger}, dams=lambda: {"rooms": Rooms})
    with Pump.open(folder, registry=given) as pump:
        (report,) = pump.step()
        assert pump.head.documents["stats.json"] == {"total_lines": 0}
        assert all(delta.collections["lines"][0]["text"] != "HACKED" for delta in report.deltas)


def test_a_fault_when_the_policy_is_read_again_is_told_with_the_next_frame(tmp_path: Path) -> None:
    def policy_reloaded() -> None:
        raise ValueError("not again")

    folder = world(tmp_path)
    with Pump.open(folder, registry=registry(policy_reloaded=policy_reloaded)) as pump:

        def change(event: Any) -> None:
            if event.kind == "frame_committed" and event.frame == 1:
                (folder / "pump.lisp").write_text(ROOMS + "\n;; another\n")

        pump.listeners.append(change)
        first, second, third = pump.run(frames=3)
    assert first.notes == third.notes == ()
    assert "hook `policy_reloaded` of plugin mine raised ValueError: not again" in second.notes[0]


class Declares:
    """A backend with a max_tokens."""

    max_tokens: Any = None

    async def pour(self, request: Any) -> Reply:
        return Reply(data={})


@pytest.mark.parametrize("most", [-(10**9), "lots", float("inf"), True, 1.0])
def test_a_backend_says_how_much_it_may_take_in_whole_tokens(tmp_path: Path, most: Any) -> None:
    backend = type("Mine", (Declares,), {"max_tokens": most})
    with pytest.raises(LisppumpError, match="its max_tokens should be a whole number") as caught:
        Pump.open(world(tmp_path), backends={"script": backend()})
    assert caught.value.code == "contract"


@pytest.mark.parametrize("word", ["max_tokens", "last_resort"])
def test_what_a_backend_declares_is_asked_once_and_its_fault(tmp_path: Path, word: str) -> None:
    def fails(self: Any) -> Any:
        raise KeyError("no")

    backend = type("Mine", (Declares,), {word: property(fails)})
    with pytest.raises(LisppumpError, match="backend `lispy` of plugin lisppump:lispy raised KeyError: 'no'"):
        Pump.open(world(tmp_path), backends={"script": backend()})


class Unmade(BackendError):
    """One that skips its superclass."""

    def __init__(self) -> None:
        pass


def bogus() -> BackendError:
    error = BackendError(Failure.REFUSED, "no")
    error.failure = "bogus"  # type: ignore[assignment]
    return error


class Falls(BackendError):
    """One whose reason cannot be read."""

    def __init__(self) -> None:
        super().__init__(Failure.REFUSED, "no")

    def __getattribute__(self, name: str) -> Any:
        if name == "failure":
            raise Oddity("no")
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unmade(), "broke its contract: its Unmade has no Failure, but None"),
        (bogus(), "broke its contract: its BackendError has no Failure, but the str 'bogus'"),
        (Falls(), "raised Oddity: no"),
        (Oddity("no"), "raised Oddity: no"),
    ],
)
def test_a_backend_s_odd_errors_are_its_stream_s(tmp_path: Path, error: BaseException, said: str) -> None:
    class Backend:
        async def pour(self, request: Any) -> Reply:
            raise error

    with Pump.open(world(tmp_path), backends={"script": Backend()}) as pump:
        (report,) = pump.step()
    assert report.statuses == {"failed": 6}
    assert all(said in (delta.reason or "") for delta in report.deltas)


def test_an_agent_without_data_is_still_woken_by_its_name(tmp_path: Path) -> None:
    given = registry(select=lambda frame: [Agent("ann", None)])  # type: ignore[arg-type]
    with Pump.open(world(tmp_path), registry=given) as pump:
        assert pump.plan().wake == ("ann",)


# -- who is named


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("(define (f ebb) (+ ebb 1))", False),
        ("(define (f x) (let ((ebb 1)) ebb))", False),
        ("(define (f x) '(ebb))", False),
        ("(define (ebb x) x)", False),
        ("(define (f x) (ebb))", True),
        ("(define (f x) (mine/ebb))", True),
        ("(define five (ebb))", True),
        ("(define (f x) (map ebb x))", True),
    ],
)
def test_a_plugin_is_named_by_a_builtin_that_is_meant(tmp_path: Path, more: str, named: bool) -> None:
    from lisppump import lispy_builtin

    @lispy_builtin("ebb", "(ebb) -> integer", "Five.", example="(ebb) ;=> 5")
    def ebb(run: Any) -> int:
        return 5

    (tmp_path / "pump.lisp").write_text(f"{more}\n{ROOMS}")
    with Pump.open(tmp_path, registry=registry(builtins=lambda: {"ebb": ebb})) as pump:
        assert [plugin.id for plugin in pump.policy.named] == ["mine"] * named
