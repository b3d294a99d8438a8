"""Echoes read the web in the name of agents: recorded before they see it, and replayed without a network."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.journal import Journal
from lisppump.portal import Portal, Window
from lisppump.portal_rule import PortalRule
from lisppump.repair import repair
from lisppump.reservoir import Store
from lisppump.verify import verify
from tests.conftest import ROOT, data_folder
from tests.echo_worlds import FORECAST, TEMPERATURE, curl, echo, pages, program, world
from tests.echo_worlds import offline as offline
from tests.echo_worlds import weather as weather
from tests.faults import Crash, die
from tests.portal_support import PUBLIC, Internet, page, request
from tests.test_repair import spoil_record
from tests.weather import Weather, mars

MARS = ROOT / "tests" / "simulations" / "mars.lisp"


# -- the whole way


def test_an_agent_reads_mars_posts_it_in_the_next_frame_and_all_of_it_replays_offline(
    tmp_path: Path, weather: Weather, offline: Callable[[], None]
) -> None:
    (tmp_path / "pump.lisp").write_text(MARS.read_text().replace("127.0.0.1:8080", weather.place))
    with Pump.open(tmp_path) as pump:
        pump.step()
        first = echo(tmp_path, "mars-watcher")
        assert first["frame"] == 1 and first["error"] is None and first["usage"]["steps"] > 0
        assert first["value"] == {
            "sol": "1247",
            "temperature_c": -69.0,
            "change": 0.0,
            "wind_ms": 5.2,
            "pressure_pa": 742.5,
            "forecast": "Moderate — EVA possible with standard suit",
        }
        assert first["granted"] == ["state", "web"] and first["capabilities"] == ["state", "web"]
        assert first["program"].startswith("(define mars-data") and ";; Process it" in first["program"]
        assert echo(tmp_path, "doubter")["value"] == {"refused": "not-granted"}
        (prompt,) = (found for found in pump.plan().prompts if "mars-watcher" in found.room)
        assert "mars-watcher, what its program came to after frame 1" in prompt.room
        assert '"temperature_c":-69.0' in prompt.room or "temperature_c" in prompt.room
        pump.step(2)
        assert echo(tmp_path, "mars-watcher")["value"]["change"] == -4.0
        lines = (tmp_path / "state/posts.jsonl").read_text().splitlines()
        posts = [json.loads(line)["title"] for line in lines]
        assert posts == [
            "Sol 1247: -69.0 C. Moderate — EVA possible with standard suit",
            "Sol 1247: -73.0 C. Extreme cold — stay in habitat",
        ]
        (asked,) = pump.show(3).portal
        said = [asked[key] for key in ("name", "call", "status", "refused")]
        assert said == ["mars-watcher", 1, 200, None]
        digests = [pump.frame(number).digest for number in range(4)]
    assert len(weather.asked) == 3
    offline()
    weather.close()
    with Pump.open(tmp_path) as pump:
        assert pump.replay().equal
        assert pump.replay(2, 2).equal
        assert [pump.frame(number).digest for number in range(4)] == digests
    assert len(weather.asked) == 3


def programs_of_the_article() -> list[str]:
    """The programs of portal-function.txt, as they stand there."""
    folder = data_folder()
    file = None if folder is None else folder.parent / "sources" / "portal-function.txt"
    if file is None or not file.is_file():
        pytest.skip("the article is not here")
    lines = file.read_text().split("\n")
    found: list[str] = []
    program: list[str] = []
    for line in [*lines, "."]:
        if line.startswith(("(", ";;")) or (program and line[:1] in ("", " ")):
            program.append(line)
        elif program:
            found.append("\n".join(program).strip())
            program = []
    return found


class Nasa(Internet):
    """The services of the article, by their own names, over TLS; played on this machine."""

    def __init__(self, server: Any) -> None:
        names = {"api.nasa.gov": [PUBLIC], "api.open-meteo.com": [PUBLIC]}
        super().__init__(names, {PUBLIC: self.say})
        self._server = server

    def say(self, stream: socket.socket) -> None:
        """An answer to one request."""
        with self._server.wrap_socket(stream, server_side=True) as wrapped:
            asked = request(wrapped)
            self.asked.append(asked)
            said: Any = mars(-73.0) if b"insight" in asked else {"current_weather": {"temperature": 12.4}}
            wrapped.sendall(page(json.dumps(said).encode(), "Content-Type: application/json"))
            wrapped.unwrap()


def test_the_programs_of_the_article_run_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: Callable[[], None]
) -> None:
    pytest.importorskip("cryptography")
    from tests.test_portal_tls import Authority

    sources = programs_of_the_article()
    assert len(sources) >= 6 and sum("curl" in source for source in sources) >= 4
    authority = Authority(tmp_path)
    net = Nasa(authority.server("api.nasa.gov", "api.open-meteo.com"))
    window = Window(Portal(resolve=net.resolve, connect=net.connect, ssl_context=authority.trusted()))
    folder = tmp_path / "world"
    folder.mkdir()
    echoes = "\n".join(program(source, f"a{n}") for n, source in enumerate(sources))
    ids = " ".join(f'"a{n}" {{"dormant" #f}}' for n in range(len(sources)))
    text = """
        (define (first-frame)
          {"agents.json" {"agents" {IDS}}
           "trending.json" {"trending" (list {"title" "one"} {"title" "two"} {"title" "three"})}})
        (pump (name article) (genesis first-frame) (agents "agents.json" agents) (pipe none) (delta)
          (echoes ECHOES))"""
    (folder / "pump.lisp").write_text(text.replace("IDS", ids).replace("ECHOES", echoes))
    with monkeypatch.context() as patch, Pump.open(folder) as pump:
        patch.setattr(PortalRule, "window", lambda rule: window)
        pump.step()
    values = {n: echo(folder, f"a{n}") for n in range(len(sources))}
    for n, source in enumerate(sources):
        assert values[n]["error"] is None, (source, values[n]["error"])
    (forecast,) = (n for n, source in enumerate(sources) if "Generate the forecast" in source)
    assert values[forecast]["value"] == {
        "sol": "1247",
        "temperature_c": -73.0,
        "wind_ms": 5.2,
        "pressure_pa": 742.5,
        "forecast": "Extreme cold — stay in habitat",
    }
    assert any(found["value"] == ["one", "two", "three"] for found in values.values())
    offline()
    with Pump.open(folder) as pump:
        assert "Extreme cold" in "".join(found.room for found in pump.plan().prompts)
        assert pump.replay().equal


# -- what dies


def test_a_run_that_dies_between_page_and_commit_fetches_nothing_twice(
    tmp_path: Path, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world(tmp_path / "w", weather, program(TEMPERATURE), program(f"(list {TEMPERATURE} 1)", "bob"))

    def dies(*_: Any, **__: Any) -> Any:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Store, "tock", dies)
        pump = Pump.open(folder)
        with pytest.raises(Crash):
            pump.step()
        die(pump.store)
    assert len(weather.asked) == 2
    with Pump.open(folder) as pump:
        pump.step()
        assert len(weather.asked) == 4  # two of frame 2
        assert pump.frame(1).virtual["echo"]["results"] == {"ada": 12.4, "bob": [11.4, 1]}
        assert pump.replay().equal
    assert [(found["frame"], found["name"]) for found in pages(folder)] == [
        (1, "ada"), (1, "bob"), (2, "ada"), (2, "bob"),
    ]  # fmt: skip


def test_what_was_not_recorded_is_fetched_when_the_run_goes_on(
    tmp_path: Path, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world(tmp_path / "w", weather, program(f"(list {TEMPERATURE} {TEMPERATURE})"))
    real = Store.page

    def second_dies(store: Store, **fields: Any) -> None:
        if fields["call"] == 2:
            raise Crash
        real(store, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "page", second_dies)
        pump = Pump.open(folder)
        with pytest.raises(LisppumpError):  # a defect in an echo, as it looks
            pump.step()
        die(pump.store)
    assert len(weather.asked) == 2
    with Pump.open(folder) as pump:
        pump.abandon()  # as with everything that writes
        assert len(weather.asked) == 3
        assert pump.frame(1).virtual["echo"]["results"] == {"ada": [12.4, 10.4]}
        assert pump.replay().equal


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills as Unix does")
def test_a_process_that_is_killed_while_it_waits_for_a_page_goes_on(tmp_path: Path) -> None:
    victims: list[subprocess.Popen[bytes]] = []

    def kill(path: str) -> None:
        if path == "/v1/forecast?second" and victims:
            victims.pop().send_signal(signal.SIGKILL)

    with Weather(before=kill) as weather:
        second = curl("/v1/forecast?second")
        folder = world(tmp_path / "w", weather, program(TEMPERATURE), program(f"(length {second})", "bob"))
        command = [sys.executable, "-m", "lisppump", "-C", str(folder), "step", "--quiet"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        victims.append(victim := subprocess.Popen(command, env=environment, cwd=ROOT))
        assert victim.wait() == -signal.SIGKILL
        assert weather.asked == [FORECAST, "/v1/forecast?second"]
        assert [found["name"] for found in pages(folder)] == ["ada"]
        subprocess.run(command, env=environment, cwd=ROOT, check=True)
        assert weather.asked.count(FORECAST) == 2  # one for each frame
        with Pump.open(folder) as pump:
            assert pump.head.number == 2
            assert pump.frame(1).virtual["echo"]["results"] == {"ada": 12.4, "bob": 1}
            assert pump.replay().equal


@pytest.mark.parametrize("times", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_no_page_that_was_recorded_is_ever_asked_for_again_by_whoever_was_killed(
    tmp_path: Path, times: int
) -> None:
    dice = random.Random(times)
    victims: list[subprocess.Popen[bytes]] = []
    left = [0, 0]  # requests until the process dies: when one is begun, when one is answered

    def killer(which: int) -> Callable[[str], None]:
        def kill(path: str) -> None:
            left[which] -= 1
            if left[which] == 0 and victims:
                victims.pop().kill()

        return kill

    with Weather(before=killer(0), after=killer(1)) as weather:
        source = (
            '(define (ask n) (get (curl (string "http://PLACE/v1/forecast?" (rb-frame) self n)) '
            '"current_weather")) (map ask (range 4))'
        )
        folder = world(tmp_path / "w", weather, *(program(source, name) for name in ("ada", "bob")))
        command = [sys.executable, "-m", "lisppump", "-C", str(folder), "run", "--quiet", "--frames", "9999"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        recorded: dict[str, int] = {}
        for _ in range(times):
            left[dice.randrange(2)] = 1 + dice.randrange(12)
            victims.append(victim := subprocess.Popen(command, env=environment, cwd=ROOT))
            assert victim.wait() == -signal.SIGKILL
            known = {found["url"].partition(weather.place)[2] for found in pages(folder)}
            recorded |= {path: weather.asked.count(path) for path in known if path not in recorded}
        with Pump.open(folder) as pump:
            pump.step()
            assert pump.replay().equal
        assert recorded and {path: weather.asked.count(path) for path in recorded} == recorded
        asked = Counter(weather.asked)
        assert sum(count - 1 for count in asked.values()) <= times  # only what was on its way


def test_after_a_way_back_before_the_echoes_the_pages_are_there(tmp_path: Path, weather: Weather) -> None:
    folder = world(tmp_path / "w", weather, program(TEMPERATURE))
    with Pump.open(folder) as pump:
        pump.step(2)
        before = next(record.seq for record in pump.store.every("commit", frame=1))
        pump.rollback(1, record=before)
        digest = pump.frame(1).digest
        pump.step()
        assert weather.asked.count(FORECAST) == 3  # frames 1, 2, and 2 once more: 1 has its own page again
        assert pump.frame(1).virtual["echo"]["results"] == {"ada": 12.4}
        assert digest != pump.frame(1).digest  # its echoes came after
        assert pump.replay().equal
        pump.rollback(0)
        pump.step()
        assert weather.asked.count(FORECAST) == 4  # what is off the line answers nobody
        assert pump.replay().equal
        name = pump.store.no_frame(2).message
        assert re.search(r"called 2@\d+", name)


def test_a_page_that_was_damaged_and_given_up_leaves_the_others(tmp_path: Path, weather: Weather) -> None:
    folder = world(tmp_path / "w", weather, program(TEMPERATURE))
    with Pump.open(folder) as pump:
        pump.step(3)
    view = Files(folder / "state")
    assert verify(folder, view).ok
    spoil_record(folder, "portal", 2)
    assert not verify(folder, view).ok
    repair(folder, view)
    assert verify(folder, view).ok
    with Pump.open(folder) as pump:
        assert pump.head.number == 3
        replayed = pump.replay()
        assert (replayed.equal, replayed.frames, replayed.lost) == (True, 2, (2,))
        with pytest.raises(StateError, match="given up"):
            pump.replay(2, 2)
        pump.step()
        assert pump.replay(3, 4).equal


# -- refusals, clocks, faults


def test_a_refusal_is_recorded_and_refused_again(
    tmp_path: Path, weather: Weather, offline: Callable[[], None]
) -> None:
    told = '(try %s (catch e (list (get e :code) (get e :data) (get e :message))))'
    folder = world(
        tmp_path / "w", weather,
        program(told % '(curl "http://a.com:1/")'),
        program(told % curl("/nothing"), "bob"),
    )  # fmt: skip
    with Pump.open(folder) as pump:
        pump.step()
        assert [entry["refused"] for entry in pump.show(1).portal] == ["port", None]
    assert echo(folder)["value"][:2] == ["portal-refused", {"reason": "port"}]
    assert echo(folder, "bob")["value"][0] == "portal-status"
    refused, missing = pages(folder)
    assert refused["page"] is None and refused["refused"]["data"] == {"reason": "port"}
    assert missing["page"]["status"] == 404 and missing["page"]["text"] == ""
    offline()
    with Pump.open(folder) as pump:
        assert pump.replay().equal


def test_a_page_that_is_not_in_the_record_is_an_error_that_no_program_catches(
    tmp_path: Path, weather: Weather, monkeypatch: pytest.MonkeyPatch, offline: Callable[[], None]
) -> None:
    folder = world(tmp_path / "w", weather, program(f"(try {TEMPERATURE} (catch e 12.4))"))
    with Pump.open(folder) as pump:
        with monkeypatch.context() as patch:
            patch.setattr(Store, "page", lambda store, **fields: None)
            pump.step()
        offline()
        with pytest.raises(LisppumpError) as caught:
            pump.replay()
    assert caught.value.code == "not-recorded"
    assert "call 1 of curl in the program of ada" in caught.value.message
    assert weather.place in caught.value.message


def test_a_run_that_the_clock_ended_is_ended_by_its_record(
    tmp_path: Path, offline: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lisppump.lispy import limits

    times = iter(range(0, 10**9, 3))
    with Weather() as weather:
        source = f"(define t {TEMPERATURE}) (display t) (dotimes (n 30000) (+ n 1)) t"
        folder = world(tmp_path / "w", weather, program(source, more="(allow web) (limits (seconds 4))"))
        with Pump.open(folder) as pump, monkeypatch.context() as patch:
            patch.setattr(limits.time, "monotonic", lambda: next(times))
            pump.step()
    assert echo(folder)["error"]["code"] == "time-limit"
    offline()
    with Pump.open(folder) as pump:
        (outcome,) = pump.show(1).outcomes
        assert (outcome["name"], outcome["error"]["code"]) == ("ada", "time-limit")
        assert pump.replay().equal


def test_a_page_that_cannot_be_recorded_is_seen_by_nobody(
    tmp_path: Path, weather: Weather, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world(tmp_path / "w", weather, program(f"(try {TEMPERATURE} (catch e 1))"))

    def full(journal: Journal, kind: str, fields: Any) -> Any:
        if kind == "portal":
            raise StateError("not-writable", "the disk is full")
        return real(journal, kind, fields)

    real = Journal.record
    with monkeypatch.context() as patch, Pump.open(folder) as pump:
        patch.setattr(Journal, "record", full)
        with pytest.raises(LisppumpError) as caught:
            pump.step()
    assert caught.value.code == "not-writable"
    assert not (folder / "state" / "echo_frames").exists()
    with Pump.open(folder) as pump:
        pump.step()
        assert pump.replay().equal
