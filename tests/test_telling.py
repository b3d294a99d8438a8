"""What diff and why tell of a world: what changed, whose it is, and how it came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump import LisppumpError, Pump
from lisppump.differences import ABSENT, applied
from lisppump.documents import entry
from lisppump.report import Event
from lisppump.testing import Scripted
from tests.cli_support import ROOT, Lisppump
from tests.storing import came

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
LINES = '(fields (agent agent) (text string))\n      (into "lines.jsonl")'
HOW_MANY = "(define (how-many frame) 6)"
AGENTS = '(agents "agents.json" agents)'
COUNT = '(count "stats.json" total_lines))'
CHANGES = (
    (AGENTS, f"{AGENTS[:-1]} (where up?) (rest-first) (at-most 4))"),
    (HOW_MANY, '(define (how-many frame) 2)\n(define (up? agent) (not (get agent "away")))'),
    ('"fay" (dict "name" "Fay")', '"fay" (dict "name" "Fay" "away" #t)'),
    (LINES, LINES.replace("(into", '(number number (above "lines.jsonl")) (once-per text) (into')),
    (
        COUNT,
        f"""{COUNT}
    (notes (fields (agent agent) (text string)) (into "memory/{{agent}}.md"))
    (moods (fields (agent agent) (field (one-of "mood")) (value any))
      (into "agents.json" agents) (last-writer))""",
    ),
    (
        '(dict "lines"',
        """(dict "notes" (list (dict "agent" (get agent "id") "text" "a note"))
        "moods" (list (dict "agent" (if (equal? (get agent "id") "bob") "fay" (get agent "id"))
                            "field" "mood" "value" (get room "stream")))
        "lines\"""",
    ),
)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    text = ROOMS
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "pump.lisp").write_text(text)
    return tmp_path


@pytest.fixture
def pump(world: Path) -> Any:
    with Pump.open(world) as pump:
        pump.step(3)
        yield pump


# -- diff


def test_what_a_diff_says_makes_the_one_frame_of_the_other(pump: Pump) -> None:
    for first, last in ((0, 3), (1, 2), (3, 1), (2, 3)):
        was, now = pump.frame(first), pump.frame(last)
        found = pump.diff(first, last)
        assert {name for name in {*was.digests, *now.digests}
                if was.digests.get(name) != now.digests.get(name)} == set(found.documents)  # fmt: skip
        for name, changes in found.documents.items():
            made = applied(was.documents.get(name, ABSENT), changes)
            assert (made is ABSENT) == (name not in now.documents)
            assert made is ABSENT or entry(name, made)["digest"] == now.digests[name]


def test_a_frame_does_not_differ_from_itself(pump: Pump) -> None:
    for number in range(4):
        found = pump.diff(number, number)
        assert (found.documents, found.agents) == ({}, {})
    assert pump.diff(3).to_json()["from"] == 3


def test_a_diff_says_whose_each_change_is(pump: Pump) -> None:
    found = pump.diff(0)
    assert sorted(found.agents) == ["ann", "bob", "cid", "dee", "eve"]
    own = found.agents["dee"]
    assert set(own) == {"agents.json", "lines.jsonl", "memory/dee.md"}
    assert own["agents.json"].added[0]["path"] == ["agents", "dee", "mood"]
    assert [item["value"]["agent"] for item in pump.diff(1, 0).agents["dee"]["lines.jsonl"].removed] == [
        "dee"
    ]
    assert pump.diff(0, agent="dee").documents == own
    assert list(pump.diff(0, document="stats").documents) == ["stats.json"]
    assert pump.diff(0, agent="fay").documents == {}


def test_a_diff_names_what_was_changed_by_hand(world: Path, pump: Pump) -> None:
    pump.close()
    (world / "state" / "stats.json").write_text('{"total_lines": 50}')
    with Pump.open(world) as again:
        again.step()
        assert again.diff(2, 3).edits == ("stats.json",)
        assert again.diff(3, 4).edits == again.diff(3, 2).edits == ()


@pytest.mark.parametrize(
    ("words", "code", "help"),
    [
        ({"agent": "anna"}, "no-such-agent", "did you mean `ann`?"),
        ({"document": "stat.json"}, "no-such-document", "did you mean `stats.json`?"),
        ({"first": 9}, "no-such-frame", "`lisppump log` lists the frames that there are"),
    ],
)
def test_what_a_diff_does_not_find_is_told(pump: Pump, words: dict[str, Any], code: str, help: Any) -> None:
    with pytest.raises(LisppumpError) as caught:
        pump.diff(**{"first": 0, **words})
    assert (caught.value.code, caught.value.help) == (code, help)


# -- why


def test_why_tells_where_an_agent_sat_and_what_came_of_it(pump: Pump) -> None:
    found = pump.why("dee", 1)
    assert found.awake and found.woken is None and "dee" in found.room and len(found.room) == 2
    assert found.stream in (1, 2) and found.prompt_digest == found.prompt["room_digest"]  # type: ignore[index]
    assert [attempt["status"] for attempt in found.attempts] == ["ok"]
    assert found.reply is not None and found.reply["data"]["notes"]
    assert found.delta is not None and found.delta["status"] == "ok"
    assert {item["collection"] for item in found.merged} == {"lines", "notes", "moods"}
    assert {item["item"]["agent"] for item in found.merged} == {"dee", "fay"}  # bob spoke for fay there
    own = [item for item in found.merged if item["item"]["agent"] == "dee"]
    places = {item["collection"]: (item["document"], item["path"]) for item in own}
    assert places["notes"] == ("memory/dee.md", []) and places["moods"] == ("agents.json", ["agents"])
    assert "memory/dee.md" in found.changes and found.asleep is None and found.notes == ()


def test_why_tells_numbers_twins_and_reasons(pump: Pump) -> None:
    items = {
        (agent, item["collection"]): item for agent in pump.show(1).wake for item in pump.why(agent, 1).merged
    }
    lines = [item for (_, name), item in items.items() if name == "lines"]
    merged = [item for item in lines if item["outcome"] == "merged"]
    twins = [item for item in lines if item["outcome"] == "duplicate"]
    assert sorted(item["number"] for item in merged) == [1, 2] and len(twins) == 2
    assert {item["twin"] for item in twins} == {"lines[0] of stream-0001", "lines[0] of stream-0002"}
    later = next(one for agent in pump.show(3).wake for one in pump.why(agent, 3).merged
                 if one["collection"] == "lines")  # fmt: skip
    assert later["outcome"] == "duplicate" and later["twin"].startswith("lines.jsonl, number ")


def test_what_spoke_for_another_is_told_of_both(pump: Pump) -> None:
    (refused,) = [item for item in pump.why("bob", 1).merged if item["collection"] == "moods"
                  and item["outcome"] == "quarantined"]  # fmt: skip
    assert refused["reason"] == "not-in-room" and refused["item"]["agent"] == "fay"
    assert pump.why("fay", 1).notes == (refused["message"],)
    assert "speaks for fay, who is not in its room" in refused["message"]


def test_why_an_agent_slept(pump: Pump) -> None:
    dormant = pump.why("fay", 1)
    assert not dormant.awake and dormant.stream is None and dormant.merged == ()
    assert dormant.asleep == "it is dormant: (agents (where ...)) does not let it wake"
    slept = next(agent for agent in ("ann", "bob", "cid", "dee", "eve") if agent not in pump.show(1).wake)
    assert pump.why(slept, 1).asleep == "it was number 5 of 5 in line, and 4 woke (agents (at-most ...))"
    assert pump.why(slept, 2).awake and pump.why(slept, 2).woken is None
    assert pump.why("ann", 0).asleep == "frame 0 is the beginning: nobody woke for it"


def test_in_a_frame_of_deltas_from_elsewhere_nobody_was_awake(pump: Pump, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "one.json").write_text('{"frame": 1, "notes": [{"agent": "fay", "text": "from afar"}]}')
    number = pump.import_deltas(folder).frame
    found = pump.why("fay", number)
    assert found.asleep == "frame 4 took in what was made elsewhere, and asked nobody"
    assert "from afar" in found.changes["memory/fay.md"]["added"][0]["value"]
    assert pump.diff(3).agents.keys() == {"fay"}


def test_why_can_make_the_prompt_again(pump: Pump) -> None:
    awake = pump.show(3).wake[0]
    prompt = pump.why(awake, prompt=True).prompt
    assert prompt is not None and f"- {awake}: " in prompt["room"] and prompt["shared"]
    assert set(pump.why(awake).prompt or ()) == {"prefix_digest", "room_digest"}


def test_why_of_a_stream_that_failed_has_its_reasons(world: Path) -> None:
    with Pump.open(world, backends={"script": Scripted(lambda _: ValueError("down"))}) as pump:
        pump.step()
        found = pump.why(pump.show(1).wake[0])
    assert found.reply is None and found.merged == () and found.delta is not None
    assert found.delta["status"] == "failed" and "raised ValueError: down" in found.attempts[0]["reason"]


def test_why_tells_what_the_check_of_a_reply_refused(world: Path) -> None:
    lines = [{"agent": "dee"}, {"agent": "dee", "text": "fine"}]
    with Pump.open(world, backends={"script": Scripted(lambda _: {"lines": lines})}) as pump:
        pump.step()
        found = pump.why("dee")
    assert [(item["outcome"], item["reason"]) for item in found.merged] == [
        ("merged", None), ("quarantined", found.merged[1]["reason"])
    ]  # fmt: skip
    assert found.merged[1]["reason"] and "text" in found.merged[1]["message"]


def test_why_goes_on_without_the_policy_of_the_frame(pump: Pump, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(intent: Any, **_: Any) -> Any:
        raise LisppumpError("unknown-stage", "no such dam")

    awake = pump.show(1).wake[0]
    slept = next(agent for agent in ("ann", "bob", "cid", "dee", "eve") if agent not in pump.show(1).wake)
    monkeypatch.setattr(pump, "rig_of", gone)
    found = pump.why(awake, 1, prompt=True)
    assert found.awake and {item["outcome"] for item in found.merged} <= {None, "quarantined"}
    assert found.notes == ("the policy of that frame cannot be made here: no such dam",)
    assert pump.why(slept, 1).asleep == "4 agents woke, and it was none of them"


def test_why_of_somebody_unknown_suggests(pump: Pump) -> None:
    with pytest.raises(LisppumpError, match="frame 3 has no agent `anna`") as caught:
        pump.why("anna")
    assert (caught.value.code, caught.value.help) == ("no-such-agent", "did you mean `ann`?")


# -- the commands


def test_the_commands_say_it_in_words(world: Path, pump: Pump, capsys: pytest.CaptureFixture[str]) -> None:
    awake = pump.show(3).wake[0]
    pump.close()
    lisppump = Lisppump(capsys)
    whole = lisppump("-C", world, "diff", "0", "HEAD")
    assert whole.code == 0 and whole.out.startswith("frame 0 -> frame 3\n")
    assert "  ~ total_lines: 0 -> 2" in whole.out and "memory/ann.md: 1 added" in whole.out
    stat = lisppump("-C", world, "diff", "HEAD~2", "--stat").out.splitlines()
    assert stat[0] == "frame 1 -> frame 3" and "agents" in stat
    one = lisppump("-C", world, "diff", "0", "--document", "stats.json", "--json").json
    assert list(one["documents"]) == ["stats.json"]
    assert lisppump("-C", world, "diff", "3", "--stat").out == "frame 3 -> frame 3\n  no document changed\n"
    told = lisppump("-C", world, "why", awake)
    assert told.code == 0 and told.out.startswith(f"{awake} in frame 3\nstream")
    assert f"    merged into memory/{awake}.md" in told.out and "changed for it" in told.out
    assert "# Your room: stream-000" in lisppump("-C", world, "why", awake, "3", "--prompt").out
    assert "asleep  it is dormant" in lisppump("-C", world, "why", "fay").out
    for words, code in ((("diff", "9"), 1), (("diff",), 2), (("why", "anna"), 1), (("why", "ann", "x"), 2)):
        assert lisppump("-C", world, *words).code == code


def test_a_late_answer_is_counted(world: Path) -> None:
    with Pump.open(world) as pump:

        def late(event: Event) -> None:
            if event.kind == "stream_settled" and event.stream == 1:
                came(pump.store, kind="late", frame=event.frame, stream=1, epoch=1, text="too late")

        pump.listeners.append(late)
        pump.step()
        (awake, *_) = pump.show(1).streams[0]["agents"]
        assert pump.why(awake).late == 1
