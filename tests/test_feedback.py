"""Five frames in which agents learn: from the weather, from programs of their own, from others' simulations.

The people are LisPy personas here (tests/simulations/feedback.lisp). In tests/backends/test_llama_feedback.py
what they say is a small model's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.canon import line
from tests.cli_support import Lisppump
from tests.conftest import ROOT
from tests.echo_worlds import offline as offline
from tests.echo_worlds import pages
from tests.weather import Weather

WORLD = ROOT / "tests" / "simulations" / "feedback.lisp"
FRAMES = 5


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The world after five frames; nobody tells the weather any more."""
    folder = tmp_path_factory.mktemp("feedback")
    with Weather() as weather:
        live(folder, weather)
        assert len(weather.asked) == FRAMES
    yield folder


def live(folder: Path, weather: Weather) -> None:
    (folder / "pump.lisp").write_text(WORLD.read_text().replace("PLACE", weather.place))
    with Pump.open(folder) as pump:
        for report in pump.step(FRAMES):
            assert report.quarantine == ()
            assert {delta.status for delta in report.deltas} <= {"ok", "empty"}


def posts(folder: Path, author: str) -> list[str]:
    """The titles of an author's posts, in order."""
    lines = (folder / "state" / "posts.jsonl").read_text().splitlines()
    return [post["title"] for post in map(json.loads, lines) if post["author"] == author]


def after(folder: Path, number: int, who: str) -> dict[str, Any]:
    """What somebody's program came to after a frame."""
    with Pump.open(folder) as pump:
        found: dict[str, Any] = pump.frame(number).documents[f"echo_frames/{who}.json"]
    assert found["error"] is None
    assert found["frame"] == number
    return found


def brought(folder: Path, number: int, who: str) -> dict[str, list[Any]]:
    """What somebody brought in a frame, by collection."""
    with Pump.open(folder) as pump:
        found: dict[str, list[Any]] = {}
        for item in pump.why(who, number).merged:
            assert item["outcome"] == "merged"
            found.setdefault(item["collection"], []).append(item["item"])
    return found


def test_the_weather_is_read_in_each_frame_and_the_trend_noticed(lived: Path) -> None:
    assert [after(lived, number, "vera")["value"]["readings"][-1] for number in range(1, FRAMES + 1)] == [
        -69.0, -73.0, -77.0, -81.0, -85.0,
    ]  # fmt: skip
    assert [after(lived, number, "vera")["value"]["trend"] for number in (3, 4)] == [None, "falling"]
    assert posts(lived, "vera") == [
        "It is -69.0 C outside", "It is -73.0 C outside", "It is -77.0 C outside",
        "The temperature is falling: -69.0, -73.0, -77.0, -81.0",
    ]  # fmt: skip
    assert [page["name"] for page in pages(lived)] == ["vera"] * FRAMES


def test_a_program_is_written_read_published_and_changed(lived: Path) -> None:
    (first,) = brought(lived, 1, "ada")["programs"]
    assert 'insulation" 4)' in first["source"]
    assert after(lived, 1, "ada")["value"]["ticks"] == 2
    second = brought(lived, 2, "ada")
    assert second["posts"][0]["title"] == "With insulation 4 the habitat freezes within 2 hours"
    assert second["programs"][0]["source"] == first["source"].replace('insulation" 4', 'insulation" 8')
    assert after(lived, 2, "ada")["value"]["ticks"] == 6
    assert posts(lived, "ada") == [
        "With insulation 4 the habitat freezes within 2 hours",
        "With insulation 8 the habitat freezes within 6 hours",
        "With insulation 16 it stays at 294.6 K",
        "With insulation 16 it stays at 292.8 K",
    ]


def test_what_one_program_came_to_is_read_by_another(lived: Path) -> None:
    for number in (2, 3, 4, 5):
        outside = after(lived, number, "ada")["value"]["final-state"]["outside"]
        assert outside == 273 + after(lived, number - 1, "vera")["value"]["now"]


def test_another_agent_forks_the_simulation_of_a_post_and_quotes_the_difference(lived: Path) -> None:
    published = brought(lived, 2, "ada")["posts"][0]["body"]
    (forked,) = brought(lived, 3, "ben")["programs"]
    source = published.removeprefix("```lisp\n").removesuffix("\n```")
    assert words(source) in words(forked["source"])
    difference = after(lived, 3, "ben")["value"]["difference"]
    assert difference["changed"] == ["initial-state"]
    assert difference["final-state"] == {"inside": [268.5, 271.1], "heater": [6, 12]}
    assert posts(lived, "ben") == [
        "@ada inside 271.1 instead of 268.5, with heater 12 instead of 6: 4 hours, not 2"
    ]


def words(source: str) -> str:
    """A program without what its lines are set with."""
    return re.sub(r"\s+", " ", source)


def test_show_tells_the_story(lived: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = {
        number: Lisppump(capsys)("-C", lived, "show", str(number)).out for number in range(1, FRAMES + 1)
    }
    assert '  ada: a simulation of 2 ticks, which ended with inside 268.5' in shown[1]
    assert "  ada: a simulation of 6 ticks" in shown[2]
    assert '  ben: {"whose":"ada","changed":"heater","from":6,"to":12,"ticks":[2,4],"difference":' in shown[3]
    assert '"trend":"falling"}' in shown[4]
    for text in shown.values():
        assert "vera asked for http://127.0.0.1:" in text
        assert "(status 200)" in text


def test_why_tells_what_an_agent_had_and_what_it_made_of_it(
    lived: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lisppump = Lisppump(capsys)
    ada = lisppump("-C", lived, "why", "ada", "2").out
    assert 'had    echo of frame 1: a simulation of 2 ticks, which ended with inside 268.5' in ada
    assert 'posts[0] {"author":"ada","title":"With insulation 4 the habitat freezes within 2 hours"' in ada
    assert re.search(r'programs.json ~ ada source: \.\.\. .*insulation" 4\).* -> .*insulation" 8\)', ada)
    assert "echo of frame 2: a simulation of 6 ticks" in ada
    assert "  by  (simulation :initial-state" in ada
    assert "usage" not in ada
    vera = lisppump("-C", lived, "why", "vera", "5").out
    assert re.search(r'had    echo of frame 4: .*"trend":"falling"', vera)
    assert "The temperature is falling" in vera
    first = lisppump("-C", lived, "why", "ben", "1").out
    assert "had    " not in first


def test_the_five_frames_are_replayed_without_a_network(
    lived: Path, offline: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    offline()
    told = json.loads(Lisppump(capsys)("-C", lived, "replay", "--json").out)
    assert told["equal"] is True


def test_the_same_weather_makes_the_same_frames(lived: Path, tmp_path: Path) -> None:
    with Weather() as weather:
        live(tmp_path, weather)
    with Pump.open(lived) as one, Pump.open(tmp_path) as other:
        for number in range(1, FRAMES + 1):
            first, second = (without_place(pump.frame(number).documents) for pump in (one, other))
            assert first == second


def without_place(documents: Any) -> str:
    """Documents as text, whatever port the weather was at."""
    return re.sub(r"127\.0\.0\.1:\d+", "PLACE", line({**documents}).decode())
