"""Proposals: LisPy in deltas that is run before the commit, once, for its agent alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.testing import Clock, Scripted
from tests.cli_support import Lisppump

WORLD = """\
(define (first-frame)
  {"agents.json" {"agents" {"ada" {"name" "Ada" "water" 3} "bob" {"name" "Bob"}}}})
(pump
  (name proposals)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 2) (dam round-robin)
  (pipe none)
  (isolate WHERE)
  (delta (proposals (fields (agent agent) (source lispy)) (evaluate (steps 20000)) (into "proposals.jsonl"))
         (posts (fields (author agent) (title string)) (number number) (into "posts.jsonl"))
         (stores (fields (what string) (amount number)) (into "stores.json") (sum what amount))
         (notes (fields (agent agent) (text string)) (from echoes) (into "notes.jsonl")))
  (echoes ECHOES))
"""


def world(folder: Path, *, where: str = "none", echoes: str = "") -> Path:
    (folder / "pump.lisp").write_text(WORLD.replace("WHERE", where).replace("ECHOES", echoes))
    return folder


def propose(folder: Path, *sources: str, agent: str = "ada", **more: Any) -> Any:
    """A frame in which ada, who sits in one of two rooms, makes proposals; the pump is open."""
    items = [{"agent": agent, "source": source} for source in sources]
    backend = Scripted(by_agent={"ada": {"proposals": items, **more}})
    pump = Pump.open(folder, clock=Clock(), backends={"none": backend})
    pump.step()
    return pump


@pytest.mark.parametrize("where", ["none", "worker"])
def test_a_proposal_brings_what_its_agent_might_have(tmp_path: Path, where: str) -> None:
    source = """{"stores" (list {"what" "water" "amount" (get-in frame '(agents agents ada water))})
                 "posts" (list {"author" self "title" (string "water for " self)})}"""
    posts = [{"author": "ada", "title": "first"}]
    with propose(world(tmp_path, where=where), source, posts=posts) as pump:
        documents = pump.head.documents
        assert documents["stores.json"] == {"water": 3}
        assert [(post["number"], post["title"]) for post in documents["posts.jsonl"]] == [
            (1, "first"), (2, "water for ada"),
        ]  # fmt: skip
        assert [item["source"] for item in documents["proposals.jsonl"]] == [source]
        assert pump.quarantine.entries == ()
        assert pump.replay().equal


@pytest.mark.parametrize(
    ("source", "reason", "said"),
    [
        ("(+ 1 x)", "failed-proposal", "x"),
        ("(let loop () (loop))", "failed-proposal", "steps"),
        ('(curl "http://a.org")', "failed-proposal", "web"),
        ("7", "failed-proposal", "dict of collections"),
        ('{"posts" (list {"author" "bob" "title" "no"})}', "not-in-room", "bob"),
        ('{"posts" (list {"author" "ada"})}', "missing-field", "title"),
        ('{"posts" 7}', "not-a-list", "list"),
        ('{"proposals" (list {"agent" "ada" "source" "nil"})}', "not-its-maker", "proposals"),
        ('{"notes" (list {"agent" "ada" "text" "x"})}', "not-its-maker", "echoes"),
        ('{"nowhere" (list {"a" 1})}', "refused", "nowhere"),
    ],
)
def test_what_is_wrong_goes_to_quarantine(tmp_path: Path, source: str, reason: str, said: str) -> None:
    with propose(world(tmp_path), source, "nil") as pump:
        (entry,) = pump.quarantine.entries
        assert entry["reason"] == reason and said in entry["message"]
        assert len(pump.head.documents["proposals.jsonl"]) == (1 if reason == "failed-proposal" else 2)
        assert pump.replay().equal


def test_nobody_proposes_in_the_name_of_who_is_not_in_the_room(tmp_path: Path) -> None:
    source = '{"posts" (list {"author" self "title" "forged"})}'
    with propose(world(tmp_path), source, agent="bob") as pump:
        assert "posts.jsonl" not in pump.head.documents
        assert [entry["reason"] for entry in pump.quarantine.entries] == ["not-in-room"]


def test_a_proposal_sees_the_frame_it_was_made_for(tmp_path: Path) -> None:
    """And not what others bring in the same frame: the order in which proposals are run decides nothing."""
    count = '{"stores" (list {"what" "posts" "amount" (length (get frame "posts" nil))})}'
    add = '{"posts" (list {"author" self "title" "one more"})}'
    with propose(world(tmp_path), add, count, add, count) as pump:
        assert pump.head.documents["stores.json"] == {"posts": 0}
        pump.step()
        assert pump.head.documents["stores.json"] == {"posts": 4}
        assert pump.replay().equal


def test_why_tells_what_became_of_proposals_and_all_beside_them(tmp_path: Path) -> None:
    """Also of one behind a proposal that failed."""
    good = '{"stores" (list {"what" "water" "amount" 1})}'
    with propose(world(tmp_path), "(car 5)", good, posts=[{"author": "ada", "title": "first"}]) as pump:
        told = pump.why("ada")
    fates = {(one["collection"], one["index"]): one for one in told.merged}
    assert {place: one["outcome"] for place, one in fates.items()} == {
        ("proposals", 0): "quarantined", ("proposals", 1): "merged", ("posts", 0): "merged",
    }  # fmt: skip
    assert fates["proposals", 0]["reason"] == "failed-proposal"
    assert fates["proposals", 1]["document"] == "proposals.jsonl"
    assert told.notes == ()


def test_the_machines_ends_are_recorded_and_not_decided_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lisppump import proposals
    from lisppump.lispy.errors import LimitError

    source = '{"stores" (list {"what" "luck" "amount" 1})}'
    once = proposals._result

    def ended(*args: Any) -> Any:
        result = once(*args)
        object.__setattr__(result, "error", LimitError("time-limit", "it ran for 60 s"))
        return result

    with monkeypatch.context() as patch:
        patch.setattr(proposals, "_result", ended)
        propose(world(tmp_path), source).close()
    with Pump.open(tmp_path) as pump:
        assert "stores.json" not in pump.head.documents
        assert [entry["message"] for entry in pump.quarantine.entries] == [
            "proposals[0] of stream 2 failed: it ran for 60 s"
        ]
        assert pump.replay().equal


def test_an_echo_may_propose_where_it_is_let(tmp_path: Path) -> None:
    world(tmp_path, echoes='(by (lambda () {"delta" {"proposals" (list {"agent" "bob" "source" "nil"})}}))')
    with propose(tmp_path) as pump:
        assert [entry["reason"] for entry in pump.quarantine.entries] == ["not-its-maker"]
    text = (tmp_path / "pump.lisp").read_text()
    (tmp_path / "pump.lisp").write_text(text.replace("(evaluate", "(from pipes echoes) (evaluate"))
    with Pump.open(tmp_path, clock=Clock()) as pump:
        pump.step()
        assert [item["agent"] for item in pump.head.documents["proposals.jsonl"]] == ["bob"]
        assert pump.replay().equal


def test_a_simulation_in_a_proposal_is_three_deep_at_most(tmp_path: Path) -> None:
    nest = """(define (nest depth)
      (simulation :initial-state {} :max-ticks 1 :observables '()
                  :step (lambda (s t) (if (> depth 1) (nest (- depth 1)) s) s)))"""
    with propose(world(tmp_path), f"{nest} (nest 3) nil", f"{nest} (nest 4) nil") as pump:
        (entry,) = pump.quarantine.entries
        assert (entry["index"], entry["code"]) == (1, "simulation-limit")


def test_accepting_a_proposal_runs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world(tmp_path)
    propose(tmp_path, '{"stores" (list {"what" "late" "amount" (/ 1 (get frame "zero" 0))})}').close()
    lisppump = Lisppump(capsys)
    assert lisppump("-C", tmp_path, "quarantine", "accept", "1.1").code == 1
    (tmp_path / "state" / "zero.json").write_text("4\n")
    assert lisppump("-C", tmp_path, "quarantine", "accept", "1.1").code == 0
    with Pump.open(tmp_path) as pump:
        assert pump.head.documents["stores.json"] == {"late": 0.25}


@pytest.mark.parametrize("fields", ["(source lispy)", "(agent agent)", "(agent agent) (a lispy) (b lispy)"])
def test_the_policy_is_held_to_what_a_proposal_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: str
) -> None:
    world(tmp_path)
    text = (tmp_path / "pump.lisp").read_text()
    (tmp_path / "pump.lisp").write_text(text.replace("(agent agent) (source lispy)", fields))
    outcome = Lisppump(capsys)("-C", tmp_path, "check")
    assert (outcome.code, "(evaluate) wants one field of type lispy" in outcome.err) == (3, True)
