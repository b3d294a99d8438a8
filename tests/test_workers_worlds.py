"""Worlds whose agents' programs run in workers: a frame goes on whatever they do, and replays as it was."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.workers import pool
from lisppump.workers.pool import Workers
from tests.conftest import ROOT
from tests.echo_worlds import FORECAST
from tests.echo_worlds import weather as weather
from tests.weather import Weather
from tests.workers_support import broken, some

WORLD = """\
(define (first-frame)
  (dict "agents.json" (dict "agents" (dict "ada" (dict) "bob" (dict) "cyd" (dict)))
        "programs.json" PROGRAMS))
(pump
  (name strangers)
  ISOLATE
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (pipe none)
  (delta)
  (portal PORTAL)
  (echoes (agents-programs GRANTS)))
"""
SOUND = {
    "ada": "(list (length agents) (random 1000) (rb-echo self) (now))",
    "bob": '(display "hi") (get-in frame (list "clock" "frame") 0)',
    "cyd": "(car 5)",
}


def world(
    folder: Path, programs: dict[str, str], isolate: str = "", grants: str = "", portal: str = ""
) -> Path:
    folder.mkdir(exist_ok=True)
    text = " ".join(f"{json.dumps(name)} {json.dumps(source)}" for name, source in programs.items())
    made = WORLD.replace("PROGRAMS", f"(dict {text})").replace("ISOLATE", isolate)
    (folder / "pump.lisp").write_text(made.replace("GRANTS", grants).replace("PORTAL", portal))
    return folder


def echo(folder: Path, agent: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "state" / "echo_frames" / f"{agent}.json").read_text())
    return found


def use(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pumps of this process use these workers."""
    monkeypatch.setattr(pool, "shared", lambda: workers)
    monkeypatch.setattr("lisppump.nerves.told", workers.told)


def test_a_world_is_the_same_in_workers_and_without(tmp_path: Path) -> None:
    echoes = []
    for name, isolate in (("apart", ""), ("here", "(isolate none)"), ("said", "(isolate worker)")):
        folder = world(tmp_path / name, SOUND, isolate)
        before = pool.shared().pids
        with Pump.open(folder) as pump:
            pump.step(3)
            assert pump.policy.isolation.where == ("none" if name == "here" else "worker")
        assert name != "here" or pool.shared().pids == before
        echoes.append({agent: echo(folder, agent) for agent in SOUND})
    assert echoes[0] == echoes[1] == echoes[2]
    assert echoes[0]["cyd"]["error"]["code"] == "wrong-type"
    assert echoes[0]["ada"]["value"][0] == 3 and echoes[0]["ada"]["frame"] == 3


@pytest.mark.parametrize(
    ("source", "code", "isolate"),
    [
        ("(die)", "worker-died", ""),
        ("(raise-python)", "worker-broken", ""),
        ("(loop-in-c)", "time-limit", "(isolate worker (deadline (seconds 1/4)))"),
    ],
)
def test_a_program_that_breaks_its_worker_is_recorded_and_replayed_as_it_was(
    source: str, code: str, isolate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {} if isolate else {"bob": "(+ 1 (length agents))"}  # nobody has to hurry
    folder = world(tmp_path, {"ada": source, **others}, isolate)
    with some(broken("BUILTINS")) as workers:
        use(workers, monkeypatch)
        with Pump.open(folder) as pump:
            (report,) = pump.step()
            assert echo(folder, "ada")["error"]["code"] == code
            assert not others or echo(folder, "bob")["value"] == 4
            assert any("ada" in note for note in report.notes)
            ended = [dict(record.fields) for record in pump.store.every("outcome")]
            assert [record["name"] for record in ended if "tock" in record] == ["ada"]
            digest = pump.frame(1).digest
    with some() as workers:  # in which the source is only a name without a value
        use(workers, monkeypatch)
        with Pump.open(folder) as pump:
            assert pump.replay().equal and pump.frame(1).digest == digest


def test_what_happened_to_workers_stands_in_the_notes_of_the_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = world(tmp_path, SOUND)
    with some() as workers:
        use(workers, monkeypatch)
        with Pump.open(folder) as pump:
            pump.step()
            os.kill(workers.pids[0], signal.SIGKILL)
            (report,) = pump.step()
            assert any("was lost (signal 9); another was started" in note for note in report.notes)
            assert echo(folder, "ada")["frame"] == 2 and echo(folder, "ada")["error"] is None
            (report,) = pump.step()
            assert not any("was lost" in note for note in report.notes)


@pytest.mark.parametrize(
    ("document", "notes", "thought"),
    [
        ('(dict "ada" "(+ 1 2)" "bob" (dict "source" "1") "cyd" nil)', [], ["ada", "bob"]),
        ('(dict "programs" (dict "ada" "1"))', ["no text of a program under `programs`, which"], []),
        ('(list "1")', ["no dict by agents' ids"], []),
        ('(dict "ada" 5 "bob" "1" "zed" "2")',
         ["no text of a program under `ada`", "under `zed`, who is no agent"], ["bob", "zed"]),
        ('(dict "a" 1 "b" 1 "c" 1 "d" (dict "source" 7))', ["`a`, `b`, `c` and 1 more"], []),
    ],
)  # fmt: skip
def test_what_is_odd_about_programs_json_is_a_note(
    tmp_path: Path, document: str, notes: list[str], thought: list[str]
) -> None:
    text = WORLD.replace("PROGRAMS", document).replace("ISOLATE", "(isolate none)")
    (tmp_path / "pump.lisp").write_text(text.replace("GRANTS", "").replace("(portal PORTAL)", ""))
    with Pump.open(tmp_path) as pump:
        (report,) = pump.step()
        assert list(report.echoes) == thought
        found = [note for note in report.notes if "programs.json" in note]
        assert len(found) == len(notes) and all(a in b for a, b in zip(notes, found, strict=True)), found
        assert pump.replay().equal


def test_a_program_in_a_worker_reads_the_web_through_the_pump(tmp_path: Path, weather: Weather) -> None:
    source = f'(get-in (curl "http://{weather.place}{FORECAST}") (list "current_weather" "temperature"))'
    absent = f'(try (curl "http://{weather.place}/absent") (catch e (get e :code)))'
    folder = world(
        tmp_path, {"ada": source, "bob": absent},
        grants="(allow state web)", portal=f'(dangerously-allow "{weather.place}")',
    )  # fmt: skip
    with Pump.open(folder) as pump:
        pump.step()
        asked = [dict(record.fields) for record in pump.store.every("portal")]
        assert [(each["name"], each["call"]) for each in asked] == [("ada", 1), ("bob", 1)]
        assert isinstance(echo(folder, "ada")["value"], float) and echo(folder, "ada")["error"] is None
        assert echo(folder, "ada")["capabilities"] == ["web"]
        assert echo(folder, "bob")["value"] == "portal-status"
        before = len(weather.asked)
        assert pump.replay().equal and len(weather.asked) == before


def test_the_page_s_example_is_so() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/workers.md").read_text("utf-8"), re.DOTALL)
    exec(code, {})


def test_the_clause_is_held_to_its_form(tmp_path: Path) -> None:
    from lisppump.policy import PolicyErrors

    for wrong in ("(isolate thread)", "(isolate worker (deadline 5))", "(isolate)", "(isolate worker none)"):
        with pytest.raises(PolicyErrors):
            Pump.open(world(tmp_path, SOUND, wrong))
    with pytest.raises(PolicyErrors) as caught:
        Pump.open(world(tmp_path, SOUND, "(isolate none (deadline (seconds 1)))"))
    (error,) = caught.value.errors
    assert error.code == "bad-clause" and "deadline" in error.message and "(limits" in (error.help or "")
    assert error.span is not None and error.span.line == 6
    Pump.open(world(tmp_path, SOUND, "(isolate none)")).close()
