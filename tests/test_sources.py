"""The programs of the three texts that this project realises, run as they stand there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lisppump.files import Files
from lisppump.lispy import Runtime
from lisppump.lispy.capabilities import State

MOODS = {
    "contentious": {
        "echo": "tension rising — contrarian agents should lead next frame", "signal": "boost-contrarian",
    },
    "stable": {"echo": "stable — let builders ship", "signal": "boost-builder"},
}  # fmt: skip
THERMAL = '(define (thermal-update state) (- (get state "temp-k") (* 0.01 (get state "power-mw"))))\n'


@pytest.fixture
def article(shared_data: Path) -> Any:
    """The text of one of the three, and the program in it that begins and ends so."""

    def program(name: str, first: str, last: str) -> str:
        path = shared_data.parent / "sources" / f"{name}.txt"
        if not path.exists():
            pytest.skip(f"{path.name} is not here")
        text = path.read_text()
        begin = text.index(first)
        return text[begin : text.index(last, begin) + len(last)]

    return program


@pytest.fixture
def network(shared_data: Path) -> dict[str, Any]:
    """The state of the social network."""
    files = Files(shared_data / "rappterbook" / "state")
    names = ["agents.json", "trending.json", "frame_snapshots.json"]
    return {name: files.read(name) for name in names}


def run(source: str, documents: dict[str, Any] | None = None) -> Any:
    state = None if documents is None else State(documents, frame=488)
    allow = set() if documents is None else {"state"}
    return Runtime(state=state, allow=allow).run(source)


def test_an_agent_reads_what_trends(article: Any, network: dict[str, Any]) -> None:
    source = article("portal-function", "(define trending (rb-trending))", '(get p "title")) top)')
    titles = run(source, network).value
    assert [*map(type, titles)] == [str, str, str]
    assert titles == [entry["title"] for entry in network["trending.json"]["trending"][:3]]
    again = run('(map (lambda (p) (get p "title")) (take 3 (rb-trending)))', network)
    assert again.value == titles


def test_the_operator_counts_active_agents(article: Any, network: dict[str, Any]) -> None:
    source = article("portal-function", "(define agents (rb-state", '(values (get agents "agents"))))')
    assert run(source, network).value == 137  # none of the real agents has a field `dormant`


@pytest.mark.parametrize("mood", [*MOODS])
def test_the_echo_senses_the_mood(article: Any, network: dict[str, Any], mood: str) -> None:
    source = article("frame-sim-pump", ";; Echo VM running between frames", '"boost-builder"))')
    snapshots = {"mood": mood, **network["frame_snapshots.json"]}
    assert run(source, {**network, "frame_snapshots.json": snapshots}).value == MOODS[mood]


def test_code_is_data() -> None:
    made = run('(list "mars" -73 "cold")')
    quoted = run("""(define data '(list "mars" -73 "cold")) (list (length data) (eval data) (first data))""")
    assert made.value == ["mars", -73, "cold"]
    assert quoted.value == [4, ["mars", -73, "cold"], "list"]


def colony(article: Any) -> str:
    ends = ":observables '(o2-reserve temp-k)))"
    found: str = article("turtles-all-the-way-down", "(define mars-colony", ends)
    return found


def test_the_mars_colony_is_simulated(article: Any) -> None:
    result = run(THERMAL + colony(article) + "\nmars-colony")
    assert result.ok, result.error
    assert result.value["ticks"] == 365 and len(result.value["trajectory"]) == 366
    assert result.value["trajectory"][1] == {"o2-reserve": 950.0, "temp-k": 259.5}
    assert result.value["final-state"]["o2-reserve"] == 1000 - 365 * 50
    assert run(THERMAL + colony(article) + "\nmars-colony").text == result.text


def test_what_the_colony_lacks_is_named(article: Any) -> None:
    error = run(colony(article)).error
    assert (error.code, "thermal-update" in error.message) == ("unbound", True)
    assert error.span is not None and "thermal-update" in error.diagnostic()
