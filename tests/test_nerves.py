"""Between two frames: items that echoes bring, tocks while the heart rests, and the time that they get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.files import Files
from lisppump.report import Event
from lisppump.testing import Clock
from lisppump.verify import verify
from tests.cli_support import Lisppump

WORLD = """\
(define (first-frame)
  {"agents.json" {"agents" {"ada" {"name" "Ada"} "bob" {"name" "Bob"}}}
   "programs.json" {"ada" "ADA" "bob" "BOB"}})
DEFINE
(pump
  (name nerves)
  (every (seconds EVERY))
  (genesis first-frame)
  (agents "agents.json" agents)
  (pipe none)
  (delta (notes (fields (agent agent) (text string)) (from echoes) (into "notes.jsonl"))
         (pulse (fields (what string) (beats number)) (from echoes) (into "pulse.json") (sum what beats))
         (posts (fields (author agent) (title string)) (into "posts.jsonl"))
         (both (fields (author agent) (title string)) (from pipes echoes) (into "both.jsonl"))
         (otherwise append "others.jsonl"))
  (echoes ECHOES))
"""
ADA = '(dict \\"delta\\" (dict \\"notes\\" (list (dict \\"agent\\" self \\"text\\" \\"hm\\"))))'
FOR_BOB = ADA.replace("self", '\\"bob\\"')


def world(
    folder: Path, *, ada: str = "1", bob: str = "2", define: str = "", every: int = 0, echoes: str
) -> Path:
    text = WORLD.replace("ADA", ada).replace("BOB", bob).replace("DEFINE", define)
    (folder / "pump.lisp").write_text(text.replace("EVERY", str(every)).replace("ECHOES", echoes))
    return folder


def lines(folder: Path, name: str) -> list[Any]:
    path = folder / "state" / name
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [{key: value for key, value in item.items() if key != "created_at"} for item in found]


def quarantined(pump: Pump) -> list[tuple[str, str]]:
    return [(entry["collection"], entry["reason"]) for entry in pump.quarantine.entries]


def test_an_agents_program_brings_items_in_its_own_name(tmp_path: Path) -> None:
    world(tmp_path, ada=ADA, bob=FOR_BOB.replace("bob", "ada"), echoes="(agents-programs)")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        (report,) = pump.step()
        assert quarantined(pump) == [("notes", "not-in-room")]
        (entry,) = pump.quarantine.entries
        assert "the echo of bob" in entry["message"]
        assert pump.replay().equal
    assert lines(tmp_path, "notes.jsonl") == [{"agent": "ada", "text": "hm"}]
    assert "echoes brought 2 items: 1 merged, 1 quarantined" in report.notes


def test_an_echo_of_the_policy_speaks_for_anybody(tmp_path: Path) -> None:
    notes = '(list {"agent" "bob" "text" "up"})'
    define = f'(define (tick) {{"delta" {{"pulse" (list {{"what" "sun" "beats" 2}}) "notes" {notes}}}}})'
    world(tmp_path, define=define, echoes="(by tick)")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step(2)
        assert pump.head.documents["pulse.json"] == {"sun": 4}
        assert quarantined(pump) == []
        assert pump.replay().equal
    assert len(lines(tmp_path, "notes.jsonl")) == 2


def test_what_is_not_from_echoes_is_set_aside(tmp_path: Path) -> None:
    items = '(list {"author" "ada" "title" "t"})'
    brought = " ".join(f'"{name}" {items}' for name in ("posts", "both", "strange", "frame"))
    define = f'(define (tick) {{"delta" {{{brought} "notes" 7}}}})'
    world(tmp_path, define=define, echoes="(by tick)")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
        assert sorted(quarantined(pump)) == [
            ("frame", "not-its-maker"), ("notes", "not-a-list"), ("posts", "not-its-maker"),
            ("strange", "not-its-maker"),
        ]  # fmt: skip
        assert pump.status().quarantine == 4
        assert len(pump.show(1).quarantined) == 4
    assert lines(tmp_path, "both.jsonl") == [{"author": "ada", "title": "t"}]
    assert not (tmp_path / "state" / "others.jsonl").exists()


def test_pipes_bring_nothing_to_what_is_from_echoes(tmp_path: Path) -> None:
    from lisppump.testing import Scripted

    world(tmp_path, echoes="(by (lambda () 1))")
    said = {"notes": [{"agent": "ada", "text": "x"}], "posts": [{"author": "ada", "title": "t"}]}
    with Pump.open(tmp_path, clock=Clock(), backends={"none": Scripted({1: said})}) as pump:
        assert "notes" not in pump.plan().prompts[0].shared
        pump.step()
        assert quarantined(pump) == [("notes", "not-its-maker")]


def test_an_item_that_an_echo_brought_can_be_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    define = '(define (tick) {"delta" {"posts" (list {"author" "ada" "title" "t"})}})'
    world(tmp_path, define=define, echoes="(by tick)")
    lisppump = Lisppump(capsys)
    assert lisppump("-C", tmp_path, "run", "--frames", "1").code == 0
    shown = lisppump("-C", tmp_path, "quarantine", "show", "1.1").out
    assert "what echoes brought after frame 1" in shown
    assert lisppump("-C", tmp_path, "quarantine", "accept", "1.1").code == 0
    assert lines(tmp_path, "posts.jsonl") == [{"author": "ada", "title": "t"}]


def test_while_the_heart_rests_the_nerves_go_on(tmp_path: Path) -> None:
    define = (
        '(define (tick) {"delta" {"pulse" (list {"what" "tock" "beats" 1})} "die" (random-int 1000000)})'
    )
    world(tmp_path, define=define, every=300, echoes="(by tick) (every (seconds 60))")
    events: list[Event] = []
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.listeners.append(events.append)
        pump.run(2)
        first = pump.frame(1)
        assert (first.tock, pump.head.tock) == (5, 1)  # at 0, 60, 120, 180 and 240 s of 300
        assert first.documents["pulse.json"] == {"tock": 5}
        tocks = [record.fields["virtual"]["echo"]["results"]["tick"] for record in pump.store.every("tock")]
        assert len({result["die"] for result in tocks}) == 6
        assert pump.replay().equal
    assert verify(tmp_path, Files(tmp_path / "state")).ok
    assert [event.frame for event in events if event.kind == "echoed"] == [1] * 5 + [2]


def test_what_is_said_of_a_tock_in_a_rest_says_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    define = '(define (tick) {"delta" {"pulse" (list {"what" "tock" "beats" 1})}})'
    world(tmp_path, define=define, every=300, echoes="(by tick) (every (seconds 100))")
    events: list[Event] = []
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.listeners.append(events.append)
        pump.run(2)
    said = [event.text for event in events if event.kind == "remarked"]
    assert said == [f"frame 1, tock {tock}: echoes brought 1 item: 1 merged" for tock in (2, 3)]


def test_a_run_without_rest_has_no_tocks_of_its_own(tmp_path: Path) -> None:
    world(tmp_path, every=300, echoes="(by (lambda () 1)) (every (seconds 60))")
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step(3)
        assert [pump.frame(number).tock for number in (1, 2, 3)] == [1, 1, 1]


class _Slow(Clock):
    """A clock of which every look takes ten seconds."""

    def monotonic(self) -> float:
        self.move(10)
        return super().monotonic()


def test_echoes_get_the_time_that_the_policy_gives_them(tmp_path: Path) -> None:
    world(tmp_path, every=0, echoes="(agents-programs) (within (seconds 50))")
    with Pump.open(tmp_path, clock=_Slow()) as pump:
        first, second = pump.step(2)
        assert (first.echoes, second.echoes) == (("ada",), ("bob",))
        assert any("before 1 of 2 agents' programs had their turn" in note for note in first.notes)
        again = pump.replay()
        assert again.equal, again.difference
