"""The repository's own world: a colony on Mars that lives for many sols, and steers itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from lisppump.frame import Frame
from lisppump.pump import Pump
from lisppump.report import FrameReport

ROOT = Path(__file__).resolve().parent.parent
SOLS = 60


@dataclass(frozen=True)
class Life:
    """A run of the colony: where it lies, frame 0, then every frame with its report."""

    folder: Path
    frames: tuple[Frame, ...]
    reports: tuple[FrameReport, ...]

    def colony(self) -> list[dict[str, Any]]:
        """colony.json from sol to sol."""
        return [frame.documents["colony.json"] for frame in self.frames]

    def crew(self) -> list[dict[str, dict[str, Any]]]:
        """All colonists from sol to sol."""
        return [frame.documents["agents.json"]["agents"] for frame in self.frames]

    def nights(self) -> list[dict[str, Any]]:
        """What the night watch thought after each sol."""
        return [frame.virtual["echo"]["results"]["night-watch"] for frame in self.frames[1:]]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("colony")
    (folder / "pump.lisp").write_text((ROOT / "pump.lisp").read_text())
    with Pump.open(folder) as pump:
        frames, reports = [pump.head], []
        for _ in range(SOLS):
            reports += pump.step()
            frames.append(pump.head)
    yield Life(folder, tuple(frames), tuple(reports))


def test_the_repository_runs_the_colony_that_the_library_offers() -> None:
    assert (ROOT / "pump.lisp").read_bytes() == (ROOT / "lisp_lib" / "world_colony.lisp").read_bytes()


def test_the_first_sol_has_22_colonists_with_archetypes(life: Life) -> None:
    crew = life.crew()[0]
    assert len(crew) == 22
    assert {"engineer", "farmer", "medic", "scientist", "explorer", "governor", "spark"} == {
        colonist["archetype"] for colonist in crew.values()
    }


def test_nothing_fails_and_nothing_is_quarantined(life: Life) -> None:
    for report in life.reports:
        assert report.quarantine == ()
        assert {delta.status for delta in report.deltas} == {"ok"}
        assert not any(delta.partial for delta in report.deltas), [delta.reason for delta in report.deltas]
    for frame in life.frames[1:]:
        assert frame.documents["echo_frames/night-watch.json"]["error"] is None


def test_the_stores_change_every_sol_within_their_bounds(life: Life) -> None:
    sols = life.colony()
    for before, after in pairwise(sols):
        assert after["sol"] == before["sol"] + 1
        assert after["resources"] != before["resources"]
        for name, amount in after["resources"].items():
            assert 0 <= amount <= after["capacity"][name]


def test_no_store_is_stuck_at_an_end(life: Life) -> None:
    for name, most in life.colony()[0]["capacity"].items():
        levels = [colony["resources"][name] for colony in life.colony()]
        assert max(levels) - min(levels) > most / 10
        for end in (0, most):
            assert sum(level == end for level in levels) < SOLS / 4


def test_moods_and_energy_change_every_sol_within_their_bounds(life: Life) -> None:
    crews = life.crew()
    for before, after in pairwise(crews):
        assert any(after[who]["mood"] != before[who]["mood"] for who in after)
        assert any(after[who]["energy"] != before[who]["energy"] for who in after)
        assert all(0 <= colonist[key] <= 100 for colonist in after.values() for key in ("mood", "energy"))


def test_decisions_of_many_kinds_are_taken(life: Life) -> None:
    last = life.frames[-1].documents
    for name in ("messages.jsonl", "proposals.jsonl", "votes.jsonl", "discoveries.jsonl", "events.jsonl"):
        assert last[name], name
    assert sum(last["research.json"].values()) > 0
    assert len({colonist["task"] for crew in life.crew() for colonist in crew.values()}) >= 8
    assert len({night["order"] for night in life.nights()}) >= 2


def test_proposals_and_discoveries_have_numbers_of_their_own(life: Life) -> None:
    last = life.frames[-1].documents
    for name in ("proposals.jsonl", "discoveries.jsonl"):
        assert [item["number"] for item in last[name]] == list(range(1, len(last[name]) + 1))
    moved = {item["number"] for item in last["proposals.jsonl"]}
    assert {vote["proposal"] for vote in last["votes.jsonl"]} <= moved


def test_shifts_are_counted_for_everyone(life: Life) -> None:
    merged = sum(report.merge["shifts"]["merged"] for report in life.reports)
    assert sum(colonist["shifts"] for colonist in life.crew()[-1].values()) == merged
    assert all(colonist["shifts"] > 0 for colonist in life.crew()[-1].values())


def test_colonists_forecast_and_correct_what_they_reckoned_with(life: Life) -> None:
    reckoned: dict[str, list[float]] = {}
    for frame in life.frames[1:]:
        for name, echo in frame.documents.items():
            if not name.startswith("echo_frames/") or name == "echo_frames/night-watch.json":
                continue
            assert echo["error"] is None, echo
            if "run" in echo["value"]:
                changes = reckoned.setdefault(name, [])
                if not changes or changes[-1] != echo["value"]["change"]:
                    changes.append(echo["value"]["change"])
    assert len(reckoned) >= 10
    assert sum(len(changes) > 3 for changes in reckoned.values()) >= 5


def test_warnings_are_given_forked_quoted_and_looked_back_on(life: Life) -> None:
    last = life.frames[-1].documents
    warned = {warning["sol"] for warning in last["warnings.jsonl"]}
    quotes = [letter for letter in last["messages.jsonl"] if "I took your forecast on" in letter["text"]]
    assert any("instead of" in letter["text"] and letter["to"] != letter["colonist"] for letter in quotes)
    seen = last["observations.jsonl"]
    assert seen
    assert {observation["sol"] for observation in seen} <= warned


def test_what_was_seen_later_is_shown_with_the_sol(life: Life) -> None:
    with Pump.open(life.folder) as pump:
        sol = pump.head.documents["observations.jsonl"][0]["sol"]
        shown = pump.show(sol).observations
    assert shown
    assert {(entry["collection"], entry["item"]["sol"]) for entry in shown} == {("observations", sol)}


def test_tension_makes_streams_and_wakes_people(life: Life) -> None:
    streams = [len(report.deltas) for report in life.reports]
    assert 4 <= min(streams) < max(streams) <= 15
    nights = [{"tension": 0.5}, *life.nights()]
    for night, report in zip(nights, life.reports, strict=False):
        awake = sum(len(delta.agents) for delta in report.deltas)
        assert awake == min(22, max(13, round(13 + 14 * night["tension"])))
    tense, calm = max(nights, key=lambda n: n["tension"]), min(nights, key=lambda n: n["tension"])
    assert streams[nights[:-1].index(tense)] > streams[nights[:-1].index(calm)]


def test_the_night_watch_decides_who_leads(life: Life) -> None:
    led = set()
    for number, frame in enumerate(life.frames[1:-1], 1):
        wanted = frame.virtual["echo"]["signals"]["boost"]
        led.add(wanted)
        woken = life.frames[number + 1].woken
        people = life.crew()[number]
        awake = {who for who, when in woken.items() if when == number + 1}
        assert {who for who, colonist in people.items() if colonist["archetype"] == wanted} <= awake
    assert len(led) >= 3


def test_the_plan_lets_the_leaders_wake_first(tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text((ROOT / "pump.lisp").read_text())
    with Pump.open(tmp_path) as pump:
        pump.step(3)
        plan, frame = pump.plan(), pump.head
    wanted = frame.virtual["echo"]["signals"]["boost"]
    people = frame.documents["agents.json"]["agents"]
    order = [people[who]["archetype"] == wanted for who in plan.wake]
    assert order[0]
    assert order == sorted(order, reverse=True)
