"""Simulations for tests: folders that run, read, and take a command line, with plugins of every origin."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lisppump import hookimpl
from lisppump.errors import LisppumpError
from lisppump.lispy.values import Slice
from lisppump.testing import Scripted, Simulation, Simulations, frame_of
from tests.conftest import ROOT
from tests.test_floors import loaded_by

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
ALONE = '''
"""A dam that leaves everybody alone."""

from lisppump import hookimpl

PRINTED = []


class Alone:
    """One agent a room."""

    def assign(self, frame, agents, n, seed):
        return [[agent.id] for agent in agents]


@hookimpl
def dams():
    """Offer `alone`."""
    return {"alone": Alone}
'''
DROPPED = {"plugins/alone.py": ALONE}
WITH_ALONE = ROOMS.replace("(dam round-robin)", "(dam alone)").replace("(streams how-many)", "(streams 1)")


def module() -> ModuleType:
    made = ModuleType("alone")
    exec(ALONE, made.__dict__)
    return made


def test_a_simulation_is_a_folder_that_runs(tmp_path: Path) -> None:
    lines = {"lines": [{"agent": "ann", "text": "hi"}]}
    simulation = Simulation(
        tmp_path / "world", ROOMS,
        files={"lisp_lib/mine.lisp": ";;; nothing"},
        backends={"script": Scripted(by_agent={"ann": lines})},
    )  # fmt: skip
    with simulation.open() as pump:
        (report,) = pump.step()
    assert report.merge["lines"]["merged"] == 1
    assert (tmp_path / "world" / "lisp_lib" / "mine.lisp").is_file()


def test_a_simulation_takes_documents_for_its_first_frame(tmp_path: Path) -> None:
    state = {"agents.json": {"agents": {"zoe": {}}}, "lines.jsonl": [{"n": 1}]}
    with Simulation(tmp_path / "world", ROOMS, state=state).open() as pump:
        assert pump.plan().wake == ("zoe",)


def test_frames_are_run_and_documents_read(simulation: Simulations) -> None:
    world = simulation(ROOMS)
    assert world.read("stats.json") == {"total_lines": 0}
    reports = world.run(2)
    assert [report.frame for report in reports] == [1, 2]
    assert world.run()[0].frame == 3
    assert world.read("stats.json") == {"total_lines": 18}
    lines = world.read("lines.jsonl")
    assert (type(lines), len(lines)) == (list, 18)
    with pytest.raises(LisppumpError, match="no document lines") as caught:
        world.read("lines.json")
    assert "lines.jsonl" in (caught.value.help or "")


def test_what_is_read_is_the_tests_own(simulation: Simulations) -> None:
    world = simulation(ROOMS, state={"agents.json": {"agents": {"ann": {}}}, "note.md": "be kind\n"})
    world.read("agents.json")["agents"].clear()
    assert world.read("agents.json") == {"agents": {"ann": {}}}
    assert world.read("note.md") == "be kind\n"


def test_each_simulation_has_a_folder_of_its_own(simulation: Simulations, tmp_path: Path) -> None:
    one, other = simulation(ROOMS), simulation(ROOMS)
    assert one.folder != other.folder
    assert {one.folder.parent, other.folder.parent} == {tmp_path}


def test_a_rest_between_frames_takes_no_time(simulation: Simulations) -> None:
    world = simulation(ROOMS.replace("(every (seconds 0))", "(every (hours 10))"))
    assert len(world.run(2)) == 2
    assert sum(world.clock.slept) == 36_000.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", [{"files": DROPPED}, {"plugins": {"mine": module()}}])
def test_plugins_are_dropped_in_or_given(simulation: Simulations, how: Mapping[str, Any]) -> None:
    world = simulation(WITH_ALONE, **how)
    with world.open() as pump:
        assert len(pump.plan().streams) == 6
        assert len(pump.step()[0].deltas) == 6
    assert world.lisppump("check").code == 0
    shown = world.lisppump("plan", "--json")
    assert len(shown.json["streams"]) == 6


def test_an_object_is_a_plugin_too(simulation: Simulations) -> None:
    class Dams:
        @hookimpl
        def dams(self) -> Mapping[str, type]:
            return {"alone": module().Alone}

    assert len(simulation(WITH_ALONE, plugins={"mine": Dams()}).run()[0].deltas) == 6


def test_a_plugin_that_is_none_is_refused_with_its_name(simulation: Simulations) -> None:
    with pytest.raises(LisppumpError, match="plugin mine implements no hook"):
        simulation(ROOMS, plugins={"mine": object()}).open()


def test_what_somebody_cloned_waits_for_trust(
    simulation: Simulations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISPPUMP_CONFIG", "/nowhere/config.toml")
    world = simulation(WITH_ALONE, files=DROPPED, trusted=False)
    with pytest.raises(LisppumpError) as caught:
        world.open()
    assert caught.value.code == "untrusted-plugin"
    refused = world.lisppump("check")
    assert refused.code == 4
    assert "untrusted-plugin" in refused.out + refused.err
    assert world.lisppump("trust", "--yes").code == 0
    assert world.lisppump("check").code == 0
    assert len(world.run()[0].deltas) == 6


def test_a_command_line_has_codes_and_both_streams(simulation: Simulations) -> None:
    world = simulation(ROOMS)
    assert world.lisppump("eval", "(+ 1 2)").out == "3\n"
    assert world.lisppump("step", "--json").lines[-1]["frame"] == 1
    wrong = world.lisppump("chekc")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean `check`" in wrong.err


def test_a_command_line_sees_nothing_of_the_users_settings(
    simulation: Simulations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISPPUMP_JSON", "1")
    monkeypatch.setenv("LISPPUMP_DIR", "/nowhere")
    assert simulation(ROOMS).lisppump("eval", "(+ 1 2)").out == "3\n"
    from lisppump.registry import Registry

    assert Registry.load().plugins is not None  # and leaves everything as it was


def test_nobody_answers_what_a_command_line_asks(simulation: Simulations) -> None:
    world = simulation(ROOMS, files=DROPPED, trusted=False)
    assert world.lisppump("trust").code != 0


def test_a_frame_holds_logs_as_the_loop_does() -> None:
    frame = frame_of({"log.jsonl": [{"n": 1}], "empty.jsonl": [], "a.json": [1]})
    assert isinstance(frame.documents["log.jsonl"], Slice)
    assert frame.documents["a.json"] == [1]


# -- the plugin of pytest


def test_the_plugin_of_pytest_costs_nothing_until_it_is_used() -> None:
    before, after = loaded_by("import pytest"), loaded_by("import lisppump.testing.fixtures")
    assert not (after - before) & {"pluggy", "asyncio", "click", "unittest.mock", "lark", "orjson"}
    assert {name for name in after - before if name.startswith("lisppump")} == {
        "lisppump",
        "lisppump.testing",
        "lisppump.testing.fixtures",
    }


def test_every_name_of_the_package_is_there_and_no_other() -> None:
    from lisppump import testing

    for name in testing.__all__:
        assert getattr(testing, name).__module__.startswith("lisppump.testing.")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        testing.Nothing  # noqa: B018


def test_pytest_finds_the_fixture_in_anybodys_tests(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "def test_mine(simulation):\n"
        f"    assert simulation({ROOMS!r}).run()[0].frame == 1\n"
        "\n"
        "def test_other(tmp_path):\n"
        "    assert not list(tmp_path.iterdir())\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
