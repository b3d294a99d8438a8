"""Attempts of a pipe: retries, repair, fallback, leave to ask, reservations; all made again alike."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump.calling import BackendError, Failure, Reply, Request, talk
from lisppump.delta import Delta, Usage
from lisppump.testing import Scripted
from tests.conftest import ROOT
from tests.pouring import Pocket, Poured, Row, pour

USED = Usage(input=10, output=5, dollars=None)


def lines(request: Request, text: str = "hi") -> dict[str, Any]:
    return {"lines": [{"agent": agent.id, "text": text} for agent in request.agents]}


class Mending(Scripted):
    """A backend that can be asked once more."""

    mends = True
    max_tokens = 50


def only(found: Poured) -> Delta:
    return found.deltas[1]


def statuses(delta: Delta) -> list[tuple[str, str]]:
    return [(one.backend, one.status) for one in delta.attempts]


GOOD = Reply(text='{"lines": [{"agent": "ann", "text": "hi"}]}', usage=USED)
ONE = {"(streams how-many)": "(streams 1)"}


def test_an_invalid_reply_is_asked_for_once_more_in_the_same_talk(tmp_path: Path) -> None:
    backend = Mending({1: [Reply(text="no JSON here", usage=USED), GOOD]})
    found = pour(tmp_path, {"script": backend}, changes=ONE)
    first, second = backend.requests
    assert first.repair is None and second.repair is not None
    assert second.repair.text == "no JSON here" and "none was found" in second.repair.problem
    assert first.prompt == second.prompt
    assert [who for who, _ in talk(second)] == ["user", "assistant", "user"]
    delta = only(found)
    assert statuses(delta) == [("script", "invalid"), ("script", "ok")]
    assert (delta.status, delta.partial, delta.usage.output) == ("ok", False, 10)
    assert [fields["text"] for kind, fields in found.records.kept if kind == "reply"] == [
        "no JSON here",
        GOOD.text,
    ]


def test_after_one_repair_call_a_reply_is_invalid_and_its_text_is_kept(tmp_path: Path) -> None:
    backend = Mending({1: [Reply(text="nope"), Reply(text="nope again")]})
    found = pour(tmp_path, {"script": backend}, changes=ONE)
    assert backend.calls == 2
    assert (only(found).status, only(found).collections) == ("invalid", {})
    assert [answer.fields["text"] for answer in found.records.answers(1)] == ["nope", "nope again"]


def test_items_of_a_reply_that_was_mended_are_not_set_aside_twice(tmp_path: Path) -> None:
    wrong = Reply(text='{"lines": [{"agent": "ann"}]}')
    mended = pour(tmp_path / "a", {"script": Mending({1: [wrong, GOOD]})}, changes=ONE)
    assert only(mended).rejected == () and only(mended).status == "ok"
    twice = pour(tmp_path / "b", {"script": Mending({1: [wrong, wrong]})}, changes=ONE)
    assert [entry["reason"] for entry in only(twice).rejected] == ["missing-field"]


def test_who_does_not_mend_is_asked_once(tmp_path: Path) -> None:
    backend = Scripted({1: "nope"})
    assert only(pour(tmp_path, {"script": backend}, changes=ONE)).status == "invalid"
    assert backend.calls == 1


def test_one_repair_call_is_all_that_a_pipe_gets_of_a_backend(tmp_path: Path) -> None:
    backend = Mending({1: ["nope", GOOD, "nope again", GOOD]})
    found = pour(tmp_path, {"script": backend}, pipe="script (passes act react)", changes=ONE)
    assert backend.calls == 3
    assert (only(found).status, only(found).partial) == ("ok", True)
    assert statuses(only(found)) == [("script", "invalid"), ("script", "ok"), ("script", "invalid")]


def test_a_failure_that_brought_text_is_mended_too_and_counted(tmp_path: Path) -> None:
    cut = BackendError(Failure.TRUNCATED, "it stopped", text='{"li', usage=USED, model="m-1")
    backend = Mending({1: [cut, GOOD]})
    purse = Pocket()
    found = pour(tmp_path, {"script": backend}, changes=ONE, purse=purse)
    assert backend.requests[1].repair is not None and backend.requests[1].repair.text == '{"li'
    (outcome,) = [fields for kind, fields in found.records.kept if kind == "outcome"]
    assert (outcome["text"], outcome["model"], outcome["usage"]["output"]) == ('{"li', "m-1", 5)
    assert (only(found).usage.output, purse.spent.output, only(found).usage.dollars) == (10, 10, 0.1)


@pytest.mark.parametrize("usage", [5, Usage(input=-1), None])
def test_what_a_failure_says_of_itself_is_only_kept_where_it_can_be(tmp_path: Path, usage: Any) -> None:
    error = BackendError(Failure.REFUSED, "no", text=7, usage=usage, model="\ud800")  # type: ignore[arg-type]
    found = pour(tmp_path, {"script": Scripted({1: error})}, changes=ONE)
    (outcome,) = [fields for kind, fields in found.records.kept if kind == "outcome"]
    assert outcome["model"] is None and "text" not in outcome and "usage" not in outcome
    assert only(found).status == "failed"


@pytest.mark.parametrize(
    ("text", "status", "kept", "aside"),
    [
        ('{"lines": [{"agent": "ann", "text": "hi"}, {"agent": "bob", "te', "ok", 1, 1),
        ('{"lines": [{"agent": "ann", "text": "hi"}', "ok", 1, 0),
        ('{"lines": [{"agent": "ann", "te', "invalid", 0, 1),
        ('{"lines": [', "invalid", 0, 0),
        ("", "invalid", 0, 0),
    ],
)
def test_a_reply_that_was_cut_off_counts_as_far_as_it_was_finished(
    tmp_path: Path, text: str, status: str, kept: int, aside: int
) -> None:
    backend = Scripted({1: Reply(text=text, stop="truncated", reason="it reached its 50 tokens")})
    delta = only(pour(tmp_path, {"script": backend}, changes=ONE))
    assert (delta.status, sum(map(len, delta.collections.values())), len(delta.rejected)) == (
        status, kept, aside,
    )  # fmt: skip
    assert delta.partial is (status == "ok")
    if kept:
        assert delta.reason is not None and "repaired" in delta.reason and "50 tokens" in delta.reason
    if aside and kept:
        assert [entry["reason"] for entry in delta.rejected] == ["cut-off"]


def test_a_cut_off_reply_with_nothing_in_it_is_mended(tmp_path: Path) -> None:
    backend = Mending({1: [Reply(text='{"lines": [', stop="truncated"), GOOD]})
    assert statuses(only(pour(tmp_path, {"script": backend}, changes=ONE))) == [
        ("script", "invalid"),
        ("script", "ok"),
    ]


def test_a_throttled_call_is_made_again_as_its_lane_says(tmp_path: Path) -> None:
    slow = BackendError(Failure.THROTTLED, "too much", retry_after=30.0)
    backend = Scripted({1: [slow, slow, GOOD]})
    row = Row(again=30.0)
    found = pour(tmp_path, {"script": backend}, pipe="script (deadline (seconds 100))", changes=ONE,
                 rows={"script": row})  # fmt: skip
    assert statuses(only(found)) == [("script", "throttled"), ("script", "throttled"), ("script", "ok")]
    assert found.at[1] == 60.0
    assert (row.ended, row.inside) == (["throttled", "throttled", None], 0)
    outcomes = [fields for kind, fields in found.records.kept if kind == "outcome"]
    assert [fields["again"] for fields in outcomes] == [30.0, 30.0]


def test_waiting_for_another_attempt_takes_nothing_from_the_deadline_but_has_an_end(tmp_path: Path) -> None:
    slow = BackendError(Failure.THROTTLED, "too much")
    row = Row(again=3.0, tries=100)
    found = pour(tmp_path, {"script": Scripted({1: slow})}, pipe="script (deadline (seconds 10))",
                 changes=ONE, rows={"script": row})  # fmt: skip
    assert statuses(only(found)) == [("script", "throttled")] * 4
    assert found.at[1] == 9.0


def test_a_lane_that_lets_nobody_ask_for_a_whole_deadline_ends_it_as_throttled(tmp_path: Path) -> None:
    backend = Scripted({1: GOOD})
    row = Row(wait=1000.0)
    found = pour(tmp_path, {"script": backend}, pipe="script (deadline (seconds 10))", changes=ONE,
                 rows={"script": row})  # fmt: skip
    assert (only(found).status, found.at[1], backend.calls) == ("throttled", 10.0, 0)
    assert (row.entered, row.ended) == (0, [])


def test_waiting_in_a_lane_is_no_part_of_the_deadline(tmp_path: Path) -> None:
    class Slow:
        async def pour(self, request: Request) -> Reply:
            await asyncio.sleep(8.0)
            return GOOD

    found = pour(tmp_path, {"script": Slow()}, pipe="script (deadline (seconds 10))", changes=ONE,
                 rows={"script": Row(wait=9.0)})  # fmt: skip
    assert (only(found).status, found.at[1]) == ("ok", 17.0)


def test_a_call_that_is_ended_by_its_deadline_leaves_its_lane(tmp_path: Path) -> None:
    row, purse = Row(again=1.0), Pocket()
    found = pour(tmp_path, {"script": Scripted({1: "hang"})}, pipe="script (deadline (seconds 10))",
                 changes=ONE, rows={"script": row}, purse=purse)  # fmt: skip
    assert (only(found).status, row.ended, row.inside, purse.open) == ("timed-out", ["timed-out"], 0, 0)


def test_a_backend_whose_circuit_is_open_is_passed_over_and_hides_nothing(tmp_path: Path) -> None:
    bright, small = Scripted({1: BackendError(Failure.THROTTLED, "too much")}), Scripted({1: GOOD})
    purse = Pocket()
    found = pour(tmp_path / "a", {"script": bright, "small": small}, pipe="script small none", changes=ONE,
                 rows={"script": Row(closed="its circuit is open for 20 s more")}, purse=purse)  # fmt: skip
    assert statuses(only(found)) == [("script", "failed"), ("small", "ok")]
    assert (only(found).status, only(found).backend) == ("ok", "small")
    assert ("reserve", "script", 1) not in purse.log
    found = pour(tmp_path / "b", {"script": bright, "small": small}, pipe="script small none", changes=ONE,
                 rows={"small": Row(closed="its circuit is open")})  # fmt: skip
    assert statuses(only(found)) == [("script", "throttled"), ("small", "failed")]
    assert (only(found).status, only(found).reason) == ("throttled", "too much")


def test_one_reservation_covers_attempts_passes_and_the_repair_call(tmp_path: Path) -> None:
    slow = BackendError(Failure.THROTTLED, "too much")
    purse = Pocket()
    backend = Mending({1: [slow, "nope", GOOD, GOOD]})
    pour(tmp_path, {"script": backend}, pipe="script (passes act react)", changes=ONE, purse=purse,
         rows={"script": Row(again=0.5)})  # fmt: skip
    assert backend.calls == 4
    assert purse.log == [("reserve", "script", 2), ("release", "script")]


def test_what_a_purse_does_not_give_is_over_budget_and_the_next_backend_is_asked(tmp_path: Path) -> None:
    purse = Pocket(most=0)
    found = pour(tmp_path, {"script": Scripted({1: GOOD})}, changes=ONE, purse=purse)
    assert (only(found).status, only(found).reason, purse.open) == ("over-budget", "nothing is left", 0)


def test_the_backends_of_a_pipe_are_tried_in_order_and_which_answered_is_recorded(tmp_path: Path) -> None:
    class Bright(Scripted):
        warms = True

    bright = Bright(lambda n: BackendError(Failure.UNAVAILABLE, "down") if n != 2 else None)
    small = Scripted(lambda n: {3: "not JSON"}.get(n, {"lines": [{"agent": "cid", "text": "x"}]}))
    found = pour(tmp_path, {"script": bright, "small": small}, pipe="script small none")
    assert statuses(found.deltas[1]) == [("script", "failed"), ("small", "ok")]
    assert found.deltas[1].backend == "small"
    assert statuses(found.deltas[2]) == [("script", "empty")]
    assert statuses(found.deltas[3]) == [("script", "failed"), ("small", "invalid")]
    assert (found.deltas[3].status, found.deltas[3].collections) == ("invalid", {})


def test_the_passes_of_a_room_each_read_what_came_before(tmp_path: Path) -> None:
    class Talks(Scripted):
        async def pour(self, request: Request) -> Reply:
            await super().pour(request)
            return Reply(data=lines(request, request.turn))

    backend = Talks()
    found = pour(tmp_path, {"script": backend}, pipe="script (passes act react synthesise dream)")
    assert len({request.prompt.shared for request in backend.requests}) == 1
    asked = [request for request in backend.requests if request.stream.number == 1]
    act, react, synthesise, dream = [request.prompt.room for request in asked]
    room = act[: act.index("\n# Pass 1 of 4: act")]
    assert all(text.startswith(room) for text in (act, react, synthesise, dream))
    assert "as JSON" not in act
    who = asked[0].agents[0].id
    assert f'{{"lines":[{{"agent":"{who}","text":"act"}}]}}' in react and "# Pass 2 of 4: react" in react
    assert f'{{"agent":"{who}","text":"react"}}' in synthesise and "sum up" in synthesise
    assert "# Pass 4 of 4: dream\nDo what the name of this pass says." in dream
    assert [item["text"] for item in only(found).collections["lines"]] == [
        "act", "react", "synthesise", "dream",
    ]  # fmt: skip


def test_one_pass_reads_the_prompt_of_the_plan(tmp_path: Path) -> None:
    backend = Scripted()
    pour(tmp_path, {"script": backend})
    assert all("# Pass" not in request.prompt.room for request in backend.requests)


def test_a_later_pass_that_fails_leaves_what_there_is(tmp_path: Path) -> None:
    backend = Scripted({1: [GOOD, BackendError(Failure.UNAVAILABLE, "gone")]})
    spare = Scripted()
    found = pour(tmp_path, {"script": backend, "spare": spare},
                 pipe="script spare (passes act react synthesise)", changes=ONE)  # fmt: skip
    assert (only(found).status, only(found).partial, only(found).reason) == ("ok", True, "gone")
    assert (backend.calls, spare.calls) == (2, 0)


def test_what_was_heard_is_cut_where_the_prompt_may_not_be_longer(tmp_path: Path) -> None:
    long = Reply(text=json.dumps({"lines": [{"agent": "ann", "text": "x" * 20_000}]}))
    backend = Scripted({1: [long, GOOD]})
    pour(tmp_path, {"script": backend}, pipe="script (passes act react)",
         changes={**ONE, "(delta\n": "(prompt (at-most (tokens 1500)))\n (delta\n"})  # fmt: skip
    assert backend.requests[1].prompt.tokens <= 1500
    assert "tokens more]" in backend.requests[1].prompt.room


KINDS: dict[int, Any] = {
    1: "hang",
    2: BackendError(Failure.UNAVAILABLE, "down"),
    3: BackendError(Failure.THROTTLED, "slow down", retry_after=5.0),
    4: BackendError(Failure.TIMED_OUT, "no byte in 5 s"),
    5: BackendError(Failure.REFUSED, "I would rather not"),
    6: BackendError(Failure.TRUNCATED, "cut", text='{"lines'),
    7: BackendError(Failure.INVALID, "bad", text="]"),
    8: BackendError(Failure.OVER_BUDGET, "too dear"),
    9: BackendError(Failure.DEFECT, "broken"),
    10: RuntimeError("a fault"),
    11: "no JSON",
    12: Reply(text='{"lines": [', stop="truncated"),
    13: asyncio.CancelledError(),
    14: Reply(),
}
STATUS = {
    1: "timed-out", 2: "failed", 3: "throttled", 4: "timed-out", 5: "failed", 6: "invalid", 7: "invalid",
    8: "over-budget", 9: "failed", 10: "failed", 11: "invalid", 12: "invalid", 13: "failed", 14: "failed",
}  # fmt: skip


@pytest.mark.parametrize("warms", [False, True])
@pytest.mark.parametrize("governed", [False, True])
def test_fifteen_pipes_fail_in_every_way_and_the_one_that_does_not_is_let_be(
    tmp_path: Path, governed: bool, warms: bool
) -> None:
    names = [f"a{n:02d}" for n in range(1, 16)]
    people = " ".join(f'"{name}" (dict)' for name in names)
    fifteen = {
        '"ann" (dict "name" "Ann") "bob" (dict "name" "Bob")': people,
        '"cid" (dict "name" "Cid") "dee" (dict "name" "Dee")': "",
        '"eve" (dict "name" "Eve") "fay" (dict "name" "Fay")': "",
        "(streams how-many)": "(streams 15)",
    }

    class Bad(Scripted):
        mends = True

    Bad.warms = warms  # type: ignore[attr-defined]
    backend = Bad(lambda n: KINDS.get(n, {"lines": [{"agent": "a15", "text": "fine"}]}))
    rows = {"script": Row(again=1.0)} if governed else {}
    found = pour(tmp_path, {"script": backend}, pipe="script (deadline (seconds 60))", changes=fifteen,
                 rows=rows)  # fmt: skip
    assert {number: found.deltas[number].status for number in KINDS} == STATUS
    assert found.deltas[15].status == "ok" and found.deltas[15].collections["lines"][0]["text"] == "fine"
    assert found.at[15] <= (6.0 if warms else 0.0)
    assert found.at[1] == pytest.approx(60.0, abs=7.0)


def test_the_backend_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "writing-a-plugin.md").read_text()
    section = page[page.index("## A backend of one's own") :]
    source = section[section.index("```python\n") + 10 : section.index("\n```\n")]
    answers: list[Any] = [
        (None, None, None, True),
        ("let me see", {"name": "lispy_eval", "arguments": {"source": "(+ 1 2)"}}, (5, 1), True),
        ("not JSON", None, (10, 2), True),
        ('{"lines": [{"agent": "ann", "text": "hi"}, {"age', None, (20, 3), False),
    ]
    talks: list[Any] = []

    async def ask_oracle(shared: str, said: Any, schema: Any, began: Any) -> Any:
        talks.append([*said])
        began()
        return answers.pop(0)

    names: dict[str, Any] = {"ask_oracle": ask_oracle}
    exec(source, names)
    backend = names["backends"]()["oracle"]()
    found = pour(tmp_path, {"script": backend}, rows={"script": Row(again=1.0)},
                 changes={**ONE, "(delta\n": "(isolate none)\n  (delta\n"},
                 pipe="script (tools lispy_eval)")  # fmt: skip
    assert statuses(only(found)) == [("script", "throttled"), ("script", "invalid"), ("script", "ok")]
    assert (only(found).partial, only(found).usage.input, only(found).model) == (True, 30, "oracle-1")
    assert (only(found).reason or "").startswith("repaired")
    assert talks[2][-1] == ("user", '{"value":3}') and talks[3][1][1] == "not JSON"
    assert [fields["told"] for kind, fields in found.records.kept if kind == "tool"] == ['{"value":3}']


ANSWERS: dict[str, Any] = {
    "good": GOOD,
    "empty": Reply(text="{}"),
    "useless": Reply(text="I would rather talk.", usage=USED),
    "wrong": Reply(text='{"lines": [{"agent": "ann"}]}'),
    "some wrong": Reply(text='{"lines": [{"agent": "ann"}, {"agent": "ann", "text": "hi"}]}'),
    "cut": Reply(text='{"lines": [{"agent": "ann", "text": "hi"}, {"a', stop="truncated", reason="full"),
    "cut early": Reply(text='{"lines": [', stop="truncated"),
    "throttled": BackendError(Failure.THROTTLED, "too much", retry_after=1.0),
    "down": BackendError(Failure.UNAVAILABLE, "nobody is there"),
    "refused": BackendError(Failure.REFUSED, "no"),
    "invalid": BackendError(Failure.INVALID, "bad", text="]", usage=USED),
    "fault": ValueError("a fault"),
    "hang": "hang",
    "contract": Reply(),
}
SCRIPTS = st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=6)


def in_turn(folder: Path, bright: list[str], small: list[str], passes: int, *, governed: bool,
            recorded: Any = lambda stream: ()) -> tuple[Poured, Pocket, Row]:  # fmt: skip
    """One room that asks two backends by a script, as far as it was not recorded before."""
    known = [answer.fields for answer in recorded(1)]
    done = {name: sum(one["backend"] == name for one in known) for name in ("script", "small")}
    backends = {
        name: Mending({1: [ANSWERS[word] for word in words[done[name] :]] or ANSWERS[words[-1]]})
        for name, words in (("script", bright), ("small", small))
    }
    purse, row = Pocket(), Row(again=1.0)
    turns = " ".join(("act", "react", "synthesise")[:passes])
    found = pour(
        folder, backends, pipe=f"script small none (deadline (seconds 20)) (passes {turns})", changes=ONE,
        rows={"script": row} if governed else {}, purse=purse, recorded=recorded,
    )  # fmt: skip
    return found, purse, row


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bright=SCRIPTS, small=SCRIPTS, passes=st.integers(1, 3), governed=st.booleans())
def test_whatever_answers_come_the_record_makes_the_same_delta_and_nothing_stays_reserved(
    tmp_path_factory: pytest.TempPathFactory,
    bright: list[str],
    small: list[str],
    passes: int,
    governed: bool,
) -> None:
    found, purse, row = in_turn(tmp_path_factory.mktemp("w"), bright, small, passes, governed=governed)
    assert (purse.open, row.inside) == (0, 0)
    delta = only(found)
    assert delta.status in ("ok", "empty", "invalid", "timed-out", "throttled", "failed")
    assert found.at[1] <= 20.0 + 6.0
    asked = [fields["backend"] for kind, fields in found.records.kept if kind == "reply"]
    assert all(asked.count(alias) <= passes + 1 for alias in asked)  # its passes, and one repair call


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bright=SCRIPTS, small=SCRIPTS, passes=st.integers(1, 2), data=st.data())
def test_a_frame_that_goes_on_asks_for_nothing_again_that_was_answered(
    tmp_path_factory: pytest.TempPathFactory, bright: list[str], small: list[str], passes: int, data: Any
) -> None:
    whole, _, _ = in_turn(tmp_path_factory.mktemp("w"), bright, small, passes, governed=True)
    answers = whole.records.answers(1)
    kept = answers[: data.draw(st.integers(0, len(answers)))]
    again, purse, row = in_turn(
        tmp_path_factory.mktemp("w"), bright, small, passes, governed=True, recorded=lambda stream: kept
    )
    assert only(again).outcome()["attempts"] == only(whole).outcome()["attempts"]
    assert (only(again).collections, only(again).usage) == (only(whole).collections, only(whole).usage)
    assert (purse.open, row.inside) == (0, 0)
