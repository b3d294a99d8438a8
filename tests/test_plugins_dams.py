"""The built-in dams: who shares a room, how many rooms there are, and what they hold themselves to."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lisppump.plugins.dam_affinity import Affinity
from lisppump.plugins.dam_by import By
from lisppump.plugins.dam_round_robin import RoundRobin
from lisppump.plugins.grouping import captured, even_sizes, greedy, group, rooms_for

from lisppump.errors import LisppumpError
from lisppump.frame import Agent, Stream
from lisppump.stages import assign
from lisppump.testing import Simulation, check_dam, frame_of, people

FRAME = frame_of({}, number=30)


def alike(a: dict[str, Any], b: dict[str, Any]) -> int:
    return 10 if a["team"] == b["team"] else 0


def teams(*names: str) -> tuple[Agent, ...]:
    return tuple(Agent(f"a{n}", {"id": f"a{n}", "team": team}) for n, team in enumerate(names))


class Said:
    """Stands for a function of pump.lisp."""

    name = "said"

    def __init__(self, function: Any) -> None:
        self.function = function
        self.seeds: list[Any] = []

    def on(self, frame: Any, *, seed: tuple[Any, ...] = (), **_: Any) -> Any:
        self.seeds.append(seed)
        return self.function


@pytest.mark.parametrize(
    "dam",
    [
        Affinity(lambda a, b: 1),
        Affinity(lambda a, b: len(a["id"] + b["id"]), room_size=3, never_twice=5, diversity=len),
        RoundRobin(),
        RoundRobin(room_size=2),
        By(Said(lambda agents, n: [agents])),
    ],
    ids=["affinity", "affinity-all", "round-robin", "round-robin-2", "by"],
)
def test_every_dam_keeps_the_contract(dam: Any) -> None:
    check_dam(dam)


@given(count=st.integers(1, 40), n=st.integers(1, 20), size=st.integers(0, 9), seed=st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_sizes_are_within_one_and_never_over_the_maximum(count: int, n: int, size: int, seed: int) -> None:
    agents = people(*(f"a{k}" for k in range(count)))
    for dam in (Affinity(lambda a, b: hash_free(a, b), room_size=size), RoundRobin(room_size=size)):
        streams = assign(dam, FRAME, agents, n, seed).streams
        sizes = [len(stream.agents) for stream in streams]
        assert max(sizes) - min(sizes) <= 1
        assert size == 0 or max(sizes) <= size
        assert len(streams) == rooms_for(count, n, size) <= count


def hash_free(a: dict[str, Any], b: dict[str, Any]) -> int:
    return (int(a["id"][1:]) * 7 + int(b["id"][1:]) * 7) % 11


def test_agents_that_gain_from_each_other_share_a_room() -> None:
    agents = teams("x", "y", "z", "x", "y", "z", "x", "y", "z")
    rooms = Affinity(alike).assign(FRAME, agents, 3, 1)
    assert rooms == [("a0", "a3", "a6"), ("a1", "a4", "a7"), ("a2", "a5", "a8")]


def test_each_pair_is_asked_once_whoever_wakes_first() -> None:
    asked: list[tuple[str, str]] = []

    def score(a: dict[str, Any], b: dict[str, Any]) -> int:
        asked.append((a["id"], b["id"]))
        return 1

    agents = people("c", "a", "b")
    Affinity(score).assign(FRAME, agents, 2, 1)
    assert sorted(asked) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_a_function_of_pump_lisp_is_bound_to_the_frame_once() -> None:
    score = Said(alike)
    Affinity(score).assign(FRAME, teams("x", "x", "y"), 2, 1)
    assert score.seeds == [("dam",)]


@pytest.mark.parametrize("value", [None, True, "much", float("nan"), float("inf"), 10**30])
def test_a_score_that_is_no_usable_number_names_the_agents(value: Any) -> None:
    with pytest.raises(LisppumpError) as caught:
        Affinity(lambda a, b: value).assign(FRAME, people("ann", "bob"), 1, 1)
    assert caught.value.code == "bad-score"
    assert "ann and bob" in caught.value.message


def test_no_room_meets_twice_within_the_frames_asked_for() -> None:
    agents = people(*(f"a{k:02d}" for k in range(12)))
    history: list[tuple[int, tuple[tuple[str, ...], ...]]] = []
    for number in range(15):
        frame = frame_of({}, number=number, rooms=tuple(history))
        rooms = Affinity(hash_free, room_size=3, never_twice=15).assign(frame, agents, 4, number)
        before = {frozenset(room) for _, past in history for room in past}
        assert not before & {frozenset(room) for room in rooms}
        history.append((number + 1, tuple(rooms)))


def test_what_is_long_ago_may_meet_again() -> None:
    agents = teams("x", "x", "y", "y")
    past = ((28, (("a0", "a1"),)), (29, (("a2", "a3"),)))
    forgotten = frame_of({}, number=30, rooms=past)
    assert Affinity(alike, never_twice=1).assign(forgotten, agents, 2, 1) == [("a0", "a1"), ("a2", "a3")]
    remembered = Affinity(alike, never_twice=2).assign(forgotten, agents, 2, 1)
    assert ("a2", "a3") not in remembered


def test_when_every_grouping_has_been_there_one_comes_again() -> None:
    agents = people("a", "b")
    frame = frame_of({}, number=30, rooms=((30, (("b", "a"),)),))
    assert Affinity(lambda a, b: 1, never_twice=20).assign(frame, agents, 1, 1) == [("a", "b")]


@given(past=st.sets(st.sampled_from([frozenset(pair) for pair in combinations(range(6), 2)]), max_size=12))
@settings(max_examples=60, deadline=None)
def test_forbidden_rooms_are_avoided_wherever_it_is_possible(past: set[frozenset[int]]) -> None:
    matrix = [[float((i * j) % 5) if i != j else 0.0 for j in range(6)] for i in range(6)]
    rooms = group(matrix, [2, 2, 2], random.Random(1), forbidden=past)
    possible = any(
        not past & {frozenset((0, b)), frozenset(rest[:2]), frozenset(rest[2:])}
        for b in range(1, 6)
        for others in [[k for k in range(1, 6) if k != b]]
        for rest in ([others[0], others[k], *(m for m in others[1:] if m != others[k])] for k in (1, 2, 3))
    )
    assert possible == (not past & {frozenset(room) for room in rooms})


def test_diversity_can_outweigh_affinity() -> None:
    def mixed(room: list[dict[str, Any]]) -> int:
        return 100 * len({agent["team"] for agent in room})

    agents = teams("x", "x", "y", "y")
    rooms = Affinity(alike, diversity=mixed).assign(FRAME, agents, 2, 1)
    by_id = {agent.id: agent.data["team"] for agent in agents}
    assert [{by_id[member] for member in room} for room in rooms] == [{"x", "y"}, {"x", "y"}]


def test_diversity_is_asked_once_for_each_room() -> None:
    asked: list[tuple[str, ...]] = []

    def diversity(room: list[dict[str, Any]]) -> int:
        asked.append(tuple(agent["id"] for agent in room))
        return 0

    Affinity(alike, diversity=diversity).assign(FRAME, teams(*"xyzxyzxyz"), 3, 1)
    assert len(asked) == len(set(asked))


def test_the_seed_breaks_ties_and_nothing_else_does() -> None:
    agents = people(*(f"a{k}" for k in range(12)))
    dam = Affinity(lambda a, b: 1)
    answers = {tuple(dam.assign(FRAME, agents, 4, seed)) for seed in range(5)}
    assert len(answers) > 1
    assert dam.assign(FRAME, agents, 4, 3) == dam.assign(FRAME, agents, 4, 3)


@given(seed=st.integers(0, 10**6), count=st.integers(2, 24), rooms=st.integers(1, 6), low=st.integers(-9, 0))
@settings(max_examples=40, deadline=None)
def test_no_swap_of_two_helps_any_more(seed: int, count: int, rooms: int, low: int) -> None:
    rng = random.Random(seed)
    matrix = [[0.0] * count for _ in range(count)]
    for i, j in combinations(range(count), 2):
        matrix[i][j] = matrix[j][i] = float(rng.randint(low, 9))
    sizes = even_sizes(count, min(rooms, count))
    found = group(matrix, sizes, rng)
    assert sorted(index for room in found for index in room) == list(range(count))
    assert sorted(len(room) for room in found) == sorted(sizes)
    best = captured(matrix, found)
    for one, other in combinations(range(len(found)), 2):
        for i in found[one]:
            for j in found[other]:
                changed = [list(room) for room in found]
                changed[one][changed[one].index(i)] = j
                changed[other][changed[other].index(j)] = i
                assert captured(matrix, changed) <= best + 1e-6


def test_the_real_agents_sit_better_than_random_and_greedy(shared_data: Path) -> None:
    data = json.loads((shared_data / "dam" / "affinity.json").read_text())
    count = len(data["agents"])
    matrix = [[0.0] * count for _ in range(count)]
    for i, j, score in data["affinity"]:
        matrix[i][j] = matrix[j][i] = float(score)
    sizes = even_sizes(count, 15)
    found = group(matrix, sizes, random.Random(7))
    assert sorted({len(room) for room in found}) == [9, 10]
    assert captured(matrix, found) > 25_400 > 1.2 * captured(matrix, greedy(matrix, sizes))
    wider = group(matrix, even_sizes(count, 14), random.Random(7))
    assert captured(matrix, wider) > 27_000


def test_round_robin_deals_in_turn_from_another_agent_each_frame() -> None:
    agents = people("a", "b", "c", "d", "e")
    assert [sorted(room) for room in RoundRobin().assign(FRAME, agents, 5, 3)] != []
    starts = {RoundRobin().assign(FRAME, agents, 2, seed)[0][0] for seed in range(30)}
    assert starts == set("abcde")
    (first, second) = RoundRobin().assign(FRAME, agents, 2, 1)
    order = "abcdeabcde"
    dealt = "".join(a + b for a, b in zip(first, (*second, ""), strict=True))
    assert dealt in order


def test_by_takes_lists_of_agents_ids_and_named_rooms() -> None:
    agents = people("ann", "bob", "cid")

    def rooms(given: list[dict[str, Any]], n: int) -> list[Any]:
        return [[given[0], "cid"], {"agents": ["bob"], "name": "den", "topic": "tea"}]

    assert By(Said(rooms)).assign(FRAME, agents, 2, 1) == [
        Stream(1, ("ann", "cid")),
        Stream(2, ("bob",), "den", "tea"),
    ]


@pytest.mark.parametrize(
    "value", [3, [3], [[3]], [{"agents": 1}], [{"agents": [], "name": 4}], [{}, {"name": 1}]]
)
def test_by_says_what_it_wants(value: Any) -> None:
    with pytest.raises(LisppumpError) as caught:
        By(Said(lambda agents, n: value)).assign(FRAME, people("ann"), 1, 1)
    assert caught.value.code == "bad-rooms"
    assert "int" not in caught.value.message


def test_nobody_awake_makes_no_rooms() -> None:
    assert Affinity(alike).assign(FRAME, (), 3, 1) == []
    assert RoundRobin().assign(FRAME, (), 3, 1) == []


WORLD = """
(load dam)
(define (chemistry a b) (+ (bond a b) (shared-threads a b) (if (spark? a b) 30 0)))
(define (first-frame)
  (dict "agents.json"
        (dict "agents" (apply dict (flat-map (lambda (n)
          (list (string-append "a" (number->string n))
                (dict "archetype" (nth '("coder" "debater" "philosopher" "contrarian") (modulo n 4)))))
          (range 12))))
        "social_graph.json" (dict "edges" (list (dict "source" "a0" "target" "a4" "weight" 400)))))
(pump
  (name rooms)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 4)
  (dam (affinity (score chemistry) (room-size 3) (never-twice 5) (diversity fibonacci-diversity)))
  (pipe none)
  (delta (lines (fields (agent agent)) (into "lines.jsonl"))))
"""


def test_pump_lisp_chooses_score_size_and_diversity_from_the_library(tmp_path: Path) -> None:
    rooms = []
    with Simulation(tmp_path, WORLD).open() as pump:
        for _ in range(4):
            plan = pump.plan()
            rooms.append([frozenset(stream.agents) for stream in plan.streams])
            pump.step()
    assert [len(room) for frame in rooms for room in frame] == [3] * 16
    assert all(any({"a0", "a4"} <= room for room in frame) for frame in rooms)
    assert len({room for frame in rooms for room in frame}) == 16
