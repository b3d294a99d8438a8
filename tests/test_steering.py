"""Steering: nudges that expire, signals, topics, what echoes ask for, and what is said of earlier frames."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.steering import NUDGES, steering_of, told
from lisppump.testing import Clock
from tests.cli_support import Lisppump

AGENTS = " ".join(f'"a{number:02d}" {{"name" "A{number}"}}' for number in range(20))
WORLD = """\
(load steer)
(load echo)
(define (first-frame)
  {"agents.json" {"agents" {AGENTS}}
   "mood.json" {"mood" "quiet"}})
(define (contentious?)
  (equal? (get-in frame '(echo signals mood)) "contentious"))
(define (how-many-wake frame)
  "Three in a quiet frame, fifteen in a contentious one."
  (if (contentious?) 15 3))
(define (how-many-streams frame)
  (if (contentious?) 5 1))
(define (speak agent room)
  "A word for each; every agent of a contentious frame argues."
  {"talk" (list {"agent" (get agent "id") "about" (or (get room "topic") "nothing")})})
(define (mood)
  "Contentious after every third frame."
  {"signal" (if (zero? (modulo (get-in frame '(last frame)) 3)) "mood-contentious" "mood-quiet")})
(pump
  (name steered)
  (every (seconds 0))
  (clock (start "2026-01-01T00:00:00Z"))
  (genesis first-frame)
  (agents "agents.json" agents (rest-first) (at-most how-many-wake))
  (streams how-many-streams (topics TOPICS))
  (dam (round-robin (room-size 20)))
  (pipe (lispy (program speak)))
  (delta (talk (fields (agent agent) (about string)) (into "talk.jsonl"))
         (wishes (fields (focus string)) (from echoes) (into "steering.json") (last-writer))
         (observations (fields (agent agent) (frame integer) (goes_by any optional) (text string))
                       (from echoes) (about frame (cites goes_by)) (into "observations.jsonl")))
  (echoes (by mood) ECHOES))
"""


def world(
    folder: Path, *, topics: str = '(all-on "peace")', echoes: str = "", awake: Any = None, rooms: Any = None
) -> Path:
    text = WORLD.replace("AGENTS", AGENTS).replace("TOPICS", topics).replace("ECHOES", echoes)
    if awake is not None:
        text = text.replace("(at-most how-many-wake)", f"(at-most {awake})")
        text = text.replace("(streams how-many-streams", f"(streams {rooms}")
    (folder / "pump.lisp").write_text(text)
    return folder


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def wakes(folder: Path) -> list[int]:
    with Pump.open(folder) as pump:
        return [len(pump.show(number).wake) for number in range(1, pump.head.number + 1)]


def streams(folder: Path) -> list[int]:
    with Pump.open(folder) as pump:
        return [len(pump.show(number).streams) for number in range(1, pump.head.number + 1)]


def test_a_world_wakes_three_in_a_quiet_frame_and_fifteen_in_a_contentious_one(tmp_path: Path) -> None:
    world(tmp_path)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step(7)
    assert wakes(tmp_path) == [3, 3, 3, 15, 3, 3, 15]
    assert streams(tmp_path) == [1, 1, 1, 5, 1, 1, 5]


def test_a_nudge_steers_until_it_expires(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    assert lisppump("-C", tmp_path, "step").code == 0
    said = lisppump("-C", tmp_path, "steer", "add", "argue", "--signal", "mood-contentious", "--frames", "1")
    assert (said.code, "for frames up to 2" in said.out) == (0, True)
    assert lisppump("-C", tmp_path, "steer", "list", "--json").json["nudges"][0]["state"] == "waiting"
    assert lisppump("-C", tmp_path, "run", "--frames", "2").code == 0
    assert wakes(tmp_path) == [3, 15, 3]
    (nudge,) = lisppump("-C", tmp_path, "steer", "list", "--json").json["nudges"]
    assert (nudge["id"], nudge["state"]) == ("n1", "expired")
    shown = lisppump("-C", tmp_path, "show", "2", "--json").json
    assert shown["steering"] == {
        "signals": {"mood": "contentious"}, "notes": ["argue"], "nudges": ["n1"],
    }  # fmt: skip
    assert lisppump("-C", tmp_path, "show", "3", "--json").json["steering"] == {}
    assert "steered by" in lisppump("-C", tmp_path, "show", "2").out
    assert lisppump("-C", tmp_path, "replay").code == 0
    assert lisppump("-C", tmp_path, "verify").code == 0


def test_a_nudge_waits_for_the_next_frame_to_begin(tmp_path: Path, lisppump: Lisppump) -> None:
    """One that comes while a frame is made is not for that frame."""
    world(tmp_path)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()

        def nudge(event: Any) -> None:
            if event.kind == "frame_started" and event.frame == 2:
                subprocess.run(
                    [sys.executable, "-m", "lisppump", "-C", str(tmp_path), "steer", "add", "--streams", "4",
                     "--frames", "1"], check=True, capture_output=True,
                )  # fmt: skip

        pump.listeners.append(nudge)
        pump.step(3)
    assert streams(tmp_path) == [1, 1, 3, 5]  # there are agents for three; the fourth is contentious anyway
    assert lisppump("-C", tmp_path, "replay").code == 0


def test_nudges_are_for_prompts_too(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    lisppump("-C", tmp_path, "steer", "add", "talk of water", "--focus", "dust", "--set", "tone=calm")
    lisppump("-C", tmp_path, "step")
    prompt = lisppump("-C", tmp_path, "plan", "--prompt", "1").out
    assert "What is asked of this frame" in prompt
    assert "talk of water" in prompt and "dust" in prompt and "calm" in prompt
    assert lisppump("-C", tmp_path, "status", "--json").json["steering"]["focus"] == "dust"
    assert "talk of water" in lisppump("-C", tmp_path, "status").out


def test_who_is_to_wake_comes_first(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    with Pump.open(tmp_path) as pump:
        slept = pump.show(1).wake[0]
    lisppump("-C", tmp_path, "steer", "add", "--wake", slept)
    lisppump("-C", tmp_path, "step")
    with Pump.open(tmp_path) as pump:
        assert pump.show(2).wake[0] == slept


def test_a_nudge_can_be_dropped_and_taken_back(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    lisppump("-C", tmp_path, "steer", "add", "one")
    lisppump("-C", tmp_path, "steer", "add", "two", "--until", "2026-01-01T00:00:01Z")
    assert lisppump("-C", tmp_path, "steer", "drop", "n1", "--json").json["dropped"][0]["text"] == "one"
    assert [n["id"] for n in lisppump("-C", tmp_path, "steer", "list", "--json").json["nudges"]] == ["n2"]
    outcome = lisppump("-C", tmp_path, "steer", "drop", "n7")
    assert (outcome.code, "error[no-such-nudge]" in outcome.err) == (1, True)
    lisppump("-C", tmp_path, "step")
    lisppump("-C", tmp_path, "steer", "add", "three")
    ids = [n["id"] for n in lisppump("-C", tmp_path, "steer", "list", "--json").json["nudges"]]
    assert ids == ["n2", "n3"]


def test_no_id_of_a_nudge_is_ever_given_twice(tmp_path: Path, lisppump: Lisppump) -> None:
    """Not after a rollback, not where it was dropped before any frame took it in, and not in a branch."""
    world(tmp_path)

    def add(folder: Path = tmp_path) -> str:
        return lisppump("-C", folder, "steer", "add", "hm", "--json").json["id"]

    lisppump("-C", tmp_path, "step")
    assert [add(), add()] == ["n1", "n2"]
    lisppump("-C", tmp_path, "step")
    assert lisppump("-C", tmp_path, "rollback", "0", "--yes").code == 0
    assert lisppump("-C", tmp_path, "steer", "list", "--json").json["nudges"] == []
    assert add() == "n3"
    lisppump("-C", tmp_path, "steer", "drop", "n3")
    assert add() == "n4"
    lisppump("-C", tmp_path, "step")
    lisppump("-C", tmp_path, "steer", "drop", "n4")
    lisppump("-C", tmp_path, "step")
    assert lisppump("-C", tmp_path, "branch", "other", "--dir", tmp_path / "other").code == 0
    assert add(tmp_path / "other") == add() == "n5"
    (tmp_path / ".lisppump" / "steer-last").write_text("what?")
    assert add() == "n6"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "error[no-nudge]: a nudge should say something"),
        (["a\nb"], "one line"),
        (["--signal", "boost"], "VERB-WORD"),
        (["--set", "x"], "KEY=VALUE"),
        (["--until", "soon"], "write a time like"),
    ],
)
def test_a_nudge_that_says_nothing_is_refused(
    tmp_path: Path, lisppump: Lisppump, words: list[str], said: str
) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    outcome = lisppump("-C", tmp_path, "steer", "add", *words)
    assert outcome.code in (1, 2)
    assert said in outcome.err
    assert not (tmp_path / "state" / NUDGES).exists()


def test_a_world_without_a_frame_is_not_nudged(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    outcome = lisppump("-C", tmp_path, "steer", "add", "hm")
    assert (outcome.code, "no frame yet" in outcome.err) == (1, True)
    assert not (tmp_path / "state").exists()


def test_what_people_write_into_the_document_by_hand_is_taken_or_passed_over(tmp_path: Path) -> None:
    asked = {"n3": {"set": {"focus": "a"}}, "n10": {"set": {"focus": "b"}}}
    by_hand = {"mine": {"text": "hand"}, "odd": 7, **asked}
    documents = {NUDGES: by_hand, "steering.json": {"focus": "c", "depth": 2}}
    steering = steering_of(documents, 3, "2026-01-01T00:00:00Z")
    assert steering == {"focus": "b", "depth": 2, "notes": ["hand"], "nudges": ["mine", "n3", "n10"]}
    assert told({**steering, "streams": 3}) == {"notes": ["hand"], "focus": "b", "depth": 2}
    assert steering_of({NUDGES: 3}, 3, "x") == {}


def test_echoes_ask_by_the_document_that_steers(tmp_path: Path) -> None:
    wish = '(by (lambda () {"delta" {"wishes" (list {"focus" "rain"})}}))'
    world(tmp_path, topics='(all-on (focus-or "peace"))', echoes=wish)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step(2)
        assert pump.head.steering["focus"] == "rain"
        talk = [item["about"] for item in pump.head.documents["talk.jsonl"]]
        assert pump.replay().equal
    assert talk[0] == "peace" and talk[-1] == "rain"


@pytest.mark.parametrize(
    ("topics", "found"),
    [
        ('(all-on "s")', ["s"] * 8),
        ("(fibonacci-topics \"s\" '(\"p\" \"q\"))", ["s"] * 5 + ["p", "q", "p"]),
        ('(fibonacci-topics "s" nil)', ["s"] * 8),
        ("(balanced-topics '(\"p\" \"q\" \"r\"))", ["p", "q", "r", "p", "q", "r", "p", "q"]),
        ("(balanced-topics nil)", [None] * 8),
        ("(lambda (frame n) '(\"x\"))", ["x"] + [None] * 7),
    ],
)
def test_streams_have_topics(tmp_path: Path, topics: str, found: list[str]) -> None:
    world(tmp_path, topics=topics, awake=16, rooms=8)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        assert [stream.topic for stream in pump.plan().streams] == found
        assert ("Its topic: s" in pump.plan().prompts[0].room) == (found[0] == "s")


def test_fifteen_streams_are_on_the_seed_by_the_golden_share(tmp_path: Path) -> None:
    world(tmp_path, topics="(fibonacci-topics \"s\" '(\"p\"))", awake=20, rooms=15)
    with Pump.open(tmp_path, clock=Clock()) as pump:
        assert [stream.topic for stream in pump.plan().streams].count("s") == 9  # 0.618 of 15


def test_topics_that_are_none_are_an_error_of_the_policy(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path, topics="(lambda (frame n) 7)")
    outcome = lisppump("-C", tmp_path, "step")
    assert (outcome.code, "should give a list of texts or nil" in outcome.err) == (1, True)


def test_an_observation_is_added_to_an_earlier_frame_by_what_was_known_then(
    tmp_path: Path, lisppump: Lisppump
) -> None:
    observe = """(by (lambda ()
      (let ((now (get-in frame '(last frame))))
        {"delta" {"observations"
          (list {"agent" "a00" "frame" (dec now) "text" "fine"}
                {"agent" "a00" "frame" now "goes_by" (list (dec now) now) "text" "by what was"}
                {"agent" "a00" "frame" (dec now) "goes_by" now "text" "by what came"}
                {"agent" "a00" "frame" (inc now) "text" "not yet"}
                {"agent" "a00" "frame" now "goes_by" "x" "text" "no number"})}})))"""
    world(tmp_path, echoes=observe)
    assert lisppump("-C", tmp_path, "run", "--frames", "2").code == 0
    with Pump.open(tmp_path) as pump:
        texts = [(item["frame"], item["text"]) for item in pump.head.documents["observations.jsonl"]]
        reasons = {entry["reason"] for entry in pump.quarantine.entries}
        assert pump.replay().equal
    assert texts == [(0, "fine"), (1, "by what was"), (1, "fine"), (2, "by what was")]
    assert reasons == {"acausal"}
    shown = lisppump("-C", tmp_path, "show", "1", "--json").json
    assert [entry["item"]["text"] for entry in shown["observations"]] == ["by what was", "fine"]
    assert "later, in observations" in lisppump("-C", tmp_path, "show", "1").out


def test_two_who_nudge_at_once_lose_nothing(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    command = [sys.executable, "-m", "lisppump", "-C", str(tmp_path), "steer", "add"]
    quiet = {"stdout": subprocess.DEVNULL}
    running = [subprocess.Popen([*command, f"note {number}"], **quiet) for number in range(6)]
    assert [process.wait(60) for process in running] == [0] * 6
    nudges = json.loads((tmp_path / "state" / NUDGES).read_text())
    assert sorted(nudge["text"] for nudge in nudges.values()) == [f"note {number}" for number in range(6)]


BY_HAND = {
    "n1": "talk of water",
    "n2": {"set": [1]},
    "n3": {"set": {"streams": "many"}},
    "n4": {"text": 5, "until": "soon"},
    "n5": {"until_frame": "7", "focus": "rain"},
    "n6": {"text": "fine", "set": {"wake": ["nobody"]}, "until_frame": None},
}


def test_what_is_passed_over_of_what_people_wrote_is_said(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    (tmp_path / "state" / NUDGES).write_text(json.dumps(BY_HAND))
    (tmp_path / "state" / "steering.json").write_text('{"wake": "a01", "signals": 3}')
    listed = lisppump("-C", tmp_path, "steer", "list")
    assert listed.code == 0
    assert [line.split()[1] for line in listed.out.splitlines()] == ["faulty"] * 2 + ["waiting"] * 4
    assert "nudge n1 should be an object such as" in listed.err
    said = lisppump("-C", tmp_path, "step").err
    for what in (
        "nudges.json was added by `steer` or by hand",
        "nudge n1 should be an object such as",
        "nudge n2 should have an object under `set`",
        "nudge n3 should have a number from 1 as `streams`",
        "nudge n4 should have a text under `text`",
        "nudge n4 should have a time such as",
        "nudge n5 should have the number of a frame under `until_frame`",
        "nudge n5 has `focus`, which says nothing there",
        "steering.json should have a list of agents as `wake`",
        "steering.json should have an object by verbs as `signals`",
        "steering wakes nobody of the name nobody",
    ):
        assert what in said
    assert "n6 should" not in said
    assert lisppump("-C", tmp_path, "replay").code == 0


def test_what_steer_wrote_is_nowhere_called_an_edit_by_hand(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    lisppump("-C", tmp_path, "steer", "add", "argue")
    (tmp_path / "state" / "mood.json").write_text('{"mood": "loud"}')
    who = "by `steer` or by hand"
    assert f"nudges.json: changed {who}, not taken in yet" in lisppump("-C", tmp_path, "status").out
    assert "mood.json: changed by hand, not taken in yet" in lisppump("-C", tmp_path, "status").out
    undone = lisppump("-C", tmp_path, "undo", "--dry-run").out
    assert f"the edit of mood.json by hand and of nudges.json {who}" in undone
    lisppump("-C", tmp_path, "step")
    both = f"edited by hand: mood.json; {who}: nudges.json"
    assert both in lisppump("-C", tmp_path, "log", "--all").out
    assert f"then {both}" in lisppump("-C", tmp_path, "log").out
    shown = lisppump("-C", tmp_path, "show", "2").out
    assert "edited by hand: mood.json" in shown and f"edited {who}: nudges.json" in shown
    shown = lisppump("-C", tmp_path, "show", "1").out
    assert f"edited {who} after it, as it is now: nudges.json" in shown
    assert f"changed {who} between them: nudges.json" in lisppump("-C", tmp_path, "diff", "0", "1").out
    gone = lisppump("-C", tmp_path, "rollback", "0", "--yes").out
    assert f"off the line: what was edited {who} in nudges.json" in gone


def test_a_nudge_is_added_beside_what_is_none(tmp_path: Path, lisppump: Lisppump) -> None:
    """What somebody wrote by hand, and wrongly, is theirs to mend: it does not vanish."""
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    (tmp_path / "state" / NUDGES).write_text('{"n1": "talk of water"}')
    assert lisppump("-C", tmp_path, "steer", "add", "talk of bread").out.startswith("n2 is")
    assert json.loads((tmp_path / "state" / NUDGES).read_text())["n1"] == "talk of water"
    assert lisppump("-C", tmp_path, "steer", "drop", "n1").code == 0
    assert [*json.loads((tmp_path / "state" / NUDGES).read_text())] == ["n2"]


def test_a_nudge_that_is_over_already_is_said_to_be(tmp_path: Path, lisppump: Lisppump) -> None:
    world(tmp_path)
    lisppump("-C", tmp_path, "step")
    said = lisppump("-C", tmp_path, "steer", "add", "late", "--until", "2020-01-01T00:00:00Z").out
    assert "that is over: in the world it is 2026-01-01T" in said and "the next frame" not in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"observations.jsonl"', '"nudges.json"', "holds what operators ask for"),
        ("(about frame", "(about text", "(about text) wants a field of type integer"),
        ("(cites goes_by)", "(cites text)", "(cites text) wants a field of type integer or any"),
    ],
)
def test_the_policy_says_what_cannot_be(
    tmp_path: Path, lisppump: Lisppump, old: str, new: str, said: str
) -> None:
    world(tmp_path)
    text = (tmp_path / "pump.lisp").read_text()
    assert old in text
    (tmp_path / "pump.lisp").write_text(text.replace(old, new))
    outcome = lisppump("-C", tmp_path, "check")
    assert (outcome.code, said in outcome.err) == (3, True)
