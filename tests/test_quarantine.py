"""Quarantine: what did not pass is listed, shown, accepted into a frame of its own, or dropped for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.errors import LisppumpError
from lisppump.quarantine import accept, drop, entry_of
from lisppump.testing import Scripted, Simulation
from tests.importing_support import POLICY, STATE, document, files, taken, world

FAULTS = {
    "posts": [
        {"title": "taken", "author": "ann", "number": 3},
        {"title": "stranger", "author": "ghost", "number": 10},
        {"title": "elsewhere", "author": "bob", "number": 11},
        {"author": "ann"},
    ],
    "moods": [{"agent": "ghost", "field": "mood", "value": 1}],
    "badges": [{"name": "gold", "owner": "ann"}],
    "comments": "none",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = world(tmp_path / "world")
    taken(made, files(tmp_path / "in", {"a.json": {"agents": ["ann", "ghost"], **FAULTS}}))
    return made


def ids(root: Path, reason: str | None = None) -> list[str]:
    with Pump.open(root) as pump:
        return [e["id"] for e in pump.quarantine.entries if reason in (None, e["reason"])]


def id_of(root: Path, title: str) -> str:
    with Pump.open(root) as pump:
        items = {e["id"]: e["item"] for e in pump.quarantine.entries if isinstance(e["item"], dict)}
    return next(str(id) for id, item in items.items() if item.get("title") == title)


def test_entries_have_an_id_and_say_where_they_came_from(root: Path) -> None:
    with Pump.open(root) as pump:
        entries = pump.quarantine.entries
        assert [entry["id"] for entry in entries] == [f"1.{n}" for n in range(1, 8)]
        assert {entry["reason"] for entry in entries} == {
            "number-taken", "unknown-agent", "not-in-room", "missing-field", "exists", "not-a-list",
        }  # fmt: skip
        assert all((entry["file"], entry["frame"]) == ("a.json", 1) for entry in entries)
        entry = entry_of(pump, "1.1")
        assert entry["source"] == f"{entry['path']} of a.json, taken into frame 1"
        assert pump.status().quarantine == 7


def test_what_an_operator_answers_for_is_merged_as_a_frame(root: Path) -> None:
    chosen = [id_of(root, title) for title in ("taken", "stranger", "elsewhere")]
    with Pump.open(root) as pump:
        dry = accept(pump, chosen, dry_run=True)
        assert (pump.head.number, len(pump.quarantine.entries)) == (1, 7)
        released = accept(pump, chosen)
        assert (released.frame, dry.frame, pump.head.number) == (2, 2, 2)
        assert released.merge == {"items": 3, "merged": 3, "duplicate": 0, "quarantined": 0}
        assert len(pump.quarantine.entries) == pump.status().quarantine == 4
        assert [e["file"] for e in pump.show(2).imports] == [f"entry {id} of quarantine" for id in chosen]
    posts = {post["title"]: post["number"] for post in document(root, "log.json")["posts"]}
    assert posts == {"old": 3, "stranger": 10, "elsewhere": 11, "taken": 12}
    agents = document(root, "agents.json")["agents"]
    assert {name: agent["posts"] for name, agent in agents.items()} == {"ann": 1, "bob": 1}
    with Pump.open(root) as pump:
        assert pump.status().quarantine == 4


def test_who_is_not_in_its_room_and_has_a_taken_number_gets_a_new_one(tmp_path: Path) -> None:
    root = world(tmp_path / "world")
    said = {
        "posts": [
            {"title": "twice wrong", "author": "bob", "number": 3},
            {"title": "once", "author": "bob", "number": 4},
        ]
    }
    taken(root, files(tmp_path / "in", {"a.json": {"agents": ["ann"], **said}}))
    assert ids(root) == ids(root, "not-in-room") == ["1.1", "1.2"]
    with Pump.open(root) as pump:
        assert accept(pump, ["1.1", "1.2"]).frame == 2
        posts = {post["title"]: post["number"] for post in pump.head.documents["log.json"]["posts"]}
        assert posts == {"old": 3, "once": 4, "twice wrong": 5}
        assert pump.replay(2, 2).equal
        assert pump.undo().taken == "the accept from quarantine that made frame 2"


@pytest.mark.parametrize("reason", ["missing-field", "exists", "not-a-list"])
def test_what_cannot_be_merged_says_why(root: Path, reason: str) -> None:
    (id,) = ids(root, reason)
    with Pump.open(root) as pump, pytest.raises(LisppumpError) as error:
        accept(pump, [id_of(root, "elsewhere"), id])
    assert error.value.code == "not-acceptable"
    assert f"entry {id} cannot be accepted ({reason})" in error.value.message
    assert len(ids(root)) == 7


def test_nobody_is_made_an_agent_by_accepting(root: Path) -> None:
    id = next(i for i in ids(root, "unknown-agent") if i != id_of(root, "stranger"))
    with Pump.open(root) as pump, pytest.raises(LisppumpError, match="make an agent of ghost"):
        accept(pump, [id])


@pytest.mark.parametrize("number", [9, 3])
def test_what_a_comment_lost_is_found_once_it_is_accepted_under_its_number(
    tmp_path: Path, number: int
) -> None:
    said = {
        "posts": [{"title": "stranger", "author": "ghost", "number": number}],
        "comments": [{"post": number, "author": "ann", "text": "on it"}],
    }
    root = world(tmp_path / "world")
    taken(root, files(tmp_path / "in", {"a.json": {"frame": 1, **said}}))
    ((comment,), (post,)) = ids(root, "lost-reference"), ids(root, "unknown-agent")
    with Pump.open(root) as pump:
        for dry_run in (True, False):
            with pytest.raises(LisppumpError, match="accept that item first"):
                accept(pump, [comment], dry_run=dry_run)
        accept(pump, [post])
        if number == 3:  # it got another one, and the comment would be on something else
            with pytest.raises(LisppumpError, match="lost-reference"):
                accept(pump, [comment])
            return
        assert accept(pump, [comment]).merge["merged"] == 1
        assert pump.replay().equal
        assert pump.quarantine.entries == ()
    assert [(one["post"], one["author"]) for one in document(root, "comments.jsonl")] == [(9, "ann")]


def test_a_policy_that_lets_it_pass_is_enough(root: Path) -> None:
    (id,) = ids(root, "missing-field")
    text = POLICY.replace("(title string (also headline))", "(title string optional (also headline))")
    (root / "pump.lisp").write_text(text)
    with Pump.open(root) as pump:
        assert accept(pump, [id]).frame == 2
    assert "title" not in document(root, "log.json")["posts"][-1]


def test_nothing_is_accepted_or_dropped_twice(root: Path) -> None:
    one, two = id_of(root, "elsewhere"), ids(root, "exists")[0]
    with Pump.open(root) as pump:
        accept(pump, [one, one])
        dropped = drop(pump, [two])
        assert ([e["id"] for e in dropped.entries], dropped.frame) == ([two], 2)
    fates = {one: "accepted already, into frame 2", two: "dropped already", "9.9": "no entry"}
    for act in (accept, drop):
        for id, said in fates.items():
            with Pump.open(root) as pump, pytest.raises(LisppumpError, match=said) as error:
                act(pump, [id])
            assert error.value.code == "no-such-entry"
    assert len(ids(root)) == 5
    with Pump.open(root) as pump:
        assert pump.status().quarantine == 5


def test_importing_again_brings_nothing_back(root: Path, tmp_path: Path) -> None:
    with Pump.open(root) as pump:
        drop(pump, [entry["id"] for entry in pump.quarantine.entries])
    assert not taken(root, tmp_path / "in").made
    assert ids(root) == []


# -- what our own pipes said


def lived(folder: Path, **said: Any) -> Simulation:
    backend = Scripted(by_agent={"ann": said, "bob": {}})
    text = POLICY.replace("(pipe (lispy (program persona)))", "(streams 2) (backends (one none)) (pipe one)")
    simulation = Simulation(folder, text, state=STATE, backends={"one": backend})
    with simulation.open() as pump:
        pump.step()
    return simulation


def test_who_spoke_for_another_may_be_accepted(tmp_path: Path) -> None:
    post = {"number": 1, "title": "for bob", "author": "bob"}
    simulation = lived(tmp_path / "w", posts=[post], comments=[{"post": 3, "author": "bob"}])
    with simulation.open() as pump:
        shown = entry_of(pump, "1.1")
        assert shown["source"] == f"stream {shown['stream']} of frame 1"
        assert [reply["stream"] for reply in shown["replies"]] == [shown["stream"]]
        accept(pump, [entry["id"] for entry in pump.quarantine.entries])
        assert pump.head.documents["log.json"]["posts"][-1]["number"] == 4  # its own was only a claim
        assert pump.quarantine.entries == ()


def test_a_claim_of_its_own_delta_leads_nowhere_later(tmp_path: Path) -> None:
    post, comment = {"number": 1, "title": "t", "author": "ann"}, {"post": 1, "author": "bob"}
    simulation = lived(tmp_path / "w", posts=[post], comments=[comment])
    with simulation.open() as pump, pytest.raises(LisppumpError, match="lost-reference"):
        accept(pump, ["1.1"])


def test_what_was_cut_off_stays_out(tmp_path: Path) -> None:
    backend = Scripted(by_agent={"ann": '{"comments": [{"post": 3, "author": "ann", "te', "bob": {}})
    text = POLICY.replace("(pipe (lispy (program persona)))", "(streams 2) (backends (one none)) (pipe one)")
    with Simulation(tmp_path / "w", text, state=STATE, backends={"one": backend}).open() as pump:
        pump.step()
        assert [entry["reason"] for entry in pump.quarantine.entries] == ["cut-off"]
        with pytest.raises(LisppumpError, match="not made up"):
            accept(pump, ["1.1"])
