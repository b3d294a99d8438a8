"""lisp_lib/dam.lisp: bonds, shared threads, sparks and diversity, on a small world and on the real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from lisppump.lispy import Runtime
from tests.conftest import ROOT

SOURCE = (ROOT / "lisp_lib" / "dam.lisp").read_text()
CHEMISTRY = """
(lambda (a b)
  (+ (* 2 (min 50 (bond a b))) (* 10 (min 5 (shared-threads a b))) (if (spark? a b) 30 0)))
"""
ANN = {"id": "ann", "archetype": "coder"}
BOB = {"id": "bob", "archetype": "debater"}
CID = {"id": "cid"}


def function(name: str, documents: Mapping[str, Any]) -> Callable[..., Any]:
    """A function of the library, or an expression over it, while it reads these documents."""
    runtime = Runtime(state=documents, allow={"state"})
    runtime.load_source(SOURCE, "dam.lisp")
    procedure = runtime.evaluate(name)
    memo: dict[Any, Any] = {}
    return lambda *args: runtime.call(procedure, args, state=documents, allow={"state"}, memo=memo)


def test_a_bond_is_the_weight_of_all_edges_in_both_directions() -> None:
    edges = [
        {"source": "ann", "target": "bob", "weight": 3},
        {"source": "ann", "target": "bob", "weight": 0.5},
        {"source": "bob", "target": "ann", "weight": 2},
        {"source": "ann", "target": "cid", "weight": 9},
        {"source": None, "target": "cid", "weight": 9},
    ]
    bond = function("bond", {"social_graph.json": {"edges": edges}})
    assert bond(ANN, BOB) == bond(BOB, ANN) == 5.5
    assert bond(BOB, CID) == 0


def test_shared_threads_are_recent_posts_and_comments_each_once() -> None:
    posts = [{"author": "bob", "number": 1}] + [{"author": "ann", "number": n} for n in range(2, 102)]
    comments = [
        {"author": "bob", "discussion_number": 3},
        {"author": "bob", "discussion_number": 3},
        {"author": "bob", "discussion_number": 50},
        {"author": "ann", "discussion_number": 1},
    ]
    shared = function("shared-threads", {"posted_log.json": {"posts": posts, "comments": comments}})
    assert shared(ANN, BOB) == shared(BOB, ANN) == 2
    assert shared(ANN, CID) == 0


def test_sparks_fly_in_either_order_and_only_between_archetypes_that_are_known() -> None:
    spark = function("spark?", {})
    assert spark(ANN, BOB) is True and spark(BOB, ANN) is True
    assert spark(ANN, ANN) is False and spark(ANN, CID) is False


@pytest.mark.parametrize(
    ("kinds", "gain"), [("", 0), ("a", 0), ("aa", 0), ("ab", 1), ("abcd", 4), ("abcdef", 12)]
)
def test_each_further_archetype_adds_the_next_fibonacci_number(kinds: str, gain: int) -> None:
    diversity = function("fibonacci-diversity", {})
    room = [{"id": str(n), "archetype": kind} for n, kind in enumerate(kinds)]
    assert diversity([*room, CID]) == gain


def test_nothing_is_needed_of_the_frame() -> None:
    assert function("bond", {})(ANN, BOB) == 0
    assert function("shared-threads", {})(ANN, BOB) == 0


def test_the_real_network_gives_the_known_affinities(shared_data: Path) -> None:
    known = json.loads((shared_data / "dam" / "affinity.json").read_text())
    state = shared_data / "rappterbook" / "state"
    names = ("agents.json", "social_graph.json", "posted_log.json")
    documents = {name: json.loads((state / name).read_text()) for name in names}
    chemistry = function(CHEMISTRY, documents)
    data = [{"id": id, **documents["agents.json"]["agents"][id]} for id in known["agents"]]
    wanted = {(i, j): score for i, j, score in known["affinity"]}
    for i, j in combinations(range(len(data)), 2):
        assert chemistry(data[i], data[j]) == pytest.approx(wanted.get((i, j), 0), abs=1e-3), (i, j)
