"""A distribution of somebody else, as a wheel beside the project's: what it brings, how it breaks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Outcome, golden
from tests.fresh_venv import Environment, built, fresh_environment

TIDES = ROOT / "tests" / "thirdparty" / "lisppump-tides"
QUIET = """\
(define (persona agent room) (dict "lines" (list (dict "agent" (get agent "id") "text" "hello"))))
(pump
  (name quiet)
  (genesis (lambda () (dict "agents.json" (dict "agents" (dict "ann" (dict) "bob" (dict))))))
  (agents "agents.json" agents)
  (pipe (lispy (program persona)))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = fresh_environment(tmp_path_factory)
    environment.install(built(TIDES, tmp_path_factory.getbasetemp()))
    return environment


class World:
    """A folder with a policy, and the environment in which it is run."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def __call__(self, *words: str, breaks: str = "", **env: str) -> Outcome:
        """What a command line comes to."""
        variables = {"TIDES_BREAK": breaks, **env}
        return self.environment.run("lisppump", *words, cwd=self.folder, env=variables)

    def shown(self, *words: str, breaks: str = "", **env: str) -> str:
        """A command line with all that a user sees of it, the same on every machine."""
        outcome = self(*words, breaks=breaks, **env)
        text = f"$ lisppump {' '.join(words)}\n{outcome.out}{outcome.err}exit {outcome.code}\n"
        for path, name in ((self.folder, "WORLD"), (self.environment.folder, "VENV")):
            text = text.replace(str(path.resolve()), name).replace(str(path), name)
        text = re.sub(r"VENV/lib/python3\.\d+/site-packages", "SITE", text)
        text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:...", text)
        return re.sub(r"\d+\.\d+ s\b", "0.0 s", text)


@pytest.fixture
def tides(environment: Environment, tmp_path: Path) -> World:
    """A world that chooses everything of the plugin."""
    shutil.copyfile(TIDES / "pump.lisp", tmp_path / "pump.lisp")
    return World(environment, tmp_path)


@pytest.fixture
def quiet(environment: Environment, tmp_path: Path) -> World:
    """A world that names nothing of the plugin."""
    (tmp_path / "pump.lisp").write_text(QUIET, encoding="utf-8")
    return World(environment, tmp_path)


# -- it works


def test_one_of_each_is_chosen_and_used(tides: World) -> None:
    done = tides("run", "--frames", "2", "--json")
    assert (done.code, "lisppump-tides" in done.err) == (0, False)
    frame = done.lines[-1]
    assert {stream["status"] for stream in frame["streams"]} == {"ok"}
    assert frame["merge"]["merged"] == 4
    lines = (tides.folder / "state" / "lines.jsonl").read_text().splitlines()
    assert {json.loads(line)["text"] for line in lines} == {"swash"} and len(lines) == 8
    shown = tides("show", "--json").json
    assert len(shown["streams"]) == 2  # as the builtin says
    assert shown["echo"]["results"] == {"tides": {"height": 2}}
    ours, theirs = shown["plugins"]
    assert (ours["plugin"], ours["stages"]) == ("lisppump", [])
    assert (theirs["plugin"], theirs["distribution"], theirs["version"]) == (
        "lisppump-tides:tides", "lisppump-tides", "1.2.0",
    )  # fmt: skip
    assert theirs["stages"] == [
        f"{kind} tides" for kind in ("backend", "dam", "echo", "executor", "merger", "reservoir")
    ]
    assert theirs["digest"].startswith("sha256:") and "select" in theirs["hooks"]
    assert shown["differences"] == []


def test_its_command_and_its_builtin_are_there(tides: World) -> None:
    assert tides("tides", "3", "15").out == "3: 9\n15: 3\n"
    assert tides("eval", "(map tide '(6 12))").out == "(6 0)\n"
    assert "Print the heights of the water." in tides("tides", "--help").out


@pytest.mark.parametrize(
    "words",
    ["check", "plugins", "plugins why tides", "describe tide", "run --frames 1"],
)
def test_what_a_user_sees_of_it(tides: World, words: str) -> None:
    golden(f"../thirdparty/{words.replace(' ', '-').replace(':', '-')}.txt", tides.shown(*words.split()))


def test_every_call_of_its_hooks_can_be_traced(tides: World) -> None:
    text = tides.shown("step", "--trace-hooks")
    golden("../thirdparty/trace-hooks.txt", re.sub(r"\d+\.\d+ ms", "0.0 ms", text))


def test_a_frame_says_when_the_code_that_made_it_is_another_now(tides: World, tmp_path: Path) -> None:
    assert tides("step").code == 0
    site = tmp_path / "newer"
    packages = next(tides.environment.folder.glob("lib/python*/site-packages"))
    shutil.copytree(packages / "lisppump_tides", site / "lisppump_tides")
    with (site / "lisppump_tides" / "breaks.py").open("a") as file:
        file.write("# a release that changes nothing but its bytes\n")
    shutil.copytree(packages / "lisppump_tides-1.2.0.dist-info", site / "lisppump_tides-1.2.0.dist-info")
    assert tides("show", "--json", PYTHONPATH=str(site)).json["differences"] == [
        "made with lisppump-tides:tides 1.2.0, whose code is another now"
    ]
    metadata = site / "lisppump_tides-1.2.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.2.0", "Version: 1.3.0"))
    assert tides("show", "--json", PYTHONPATH=str(site)).json["differences"] == [
        "made with lisppump-tides:tides 1.2.0; here is 1.3.0"
    ]
    assert "differs" in tides("show", PYTHONPATH=str(site)).out


# -- it breaks

RUN = ("run", "--frames", "1")
BREAKS = (
    "import", "load", "api", "hook name", "hook arguments", "async hook",
    "init", "dam", "dam contract", "backend", "backend contract", "merger", "merger contract", "echo",
    "echo contract", "executor", "executor contract", "reservoir", "builtin", "builtin contract",
    "select", "select after", "select contract", "assign", "assign contract", "pour", "pour after",
    "pour contract", "merge", "merge contract", "echo hook", "echo hook contract", "frame_started",
    "stream_replied", "frame_committed", "stream_failed,backend",
)  # fmt: skip
PASSED_OVER = ("backend", "backend contract", "pour", "pour after", "pour contract")  # that of one stream


@pytest.mark.parametrize("place", BREAKS)
def test_broken_where_pump_lisp_names_it(tides: World, place: str) -> None:
    text = tides.shown(*RUN, breaks=place)
    golden(f"../thirdparty/broken-{re.sub('[ ,]', '-', place)}.txt", text)
    assert text.endswith(f"exit {0 if place in PASSED_OVER else 4}\n")
    assert "Traceback" not in text and "lisppump-tides" in text


def test_broken_when_the_policy_is_read_again(tides: World) -> None:
    text = tides.shown("run", "--frames", "2", breaks="policy_reloaded")
    golden("../thirdparty/broken-policy_reloaded.txt", text)
    assert text.endswith("exit 4\n")


def test_broken_when_the_budget_is_spent(tides: World) -> None:
    path = tides.folder / "pump.lisp"
    path.write_text(path.read_text().replace("(executor", "(budget (wall (seconds 0.000001)))\n  (executor"))
    text = tides.shown("run", "--frames", "2", breaks="budget_spent")
    golden("../thirdparty/broken-budget_spent.txt", text)
    assert text.endswith("exit 6\n") and "no tide at budget_spent" in text


def test_a_broken_command(tides: World) -> None:
    golden("../thirdparty/broken-command.txt", tides.shown("tides", "3", breaks="command"))


@pytest.mark.parametrize("place", ["import", "load", "async hook"])
@pytest.mark.parametrize(
    "words", ["check", "plugins", "plugins why tides", "doctor", "describe affinity", "status"]
)
def test_what_looks_works_whatever_is_broken(tides: World, place: str, words: str) -> None:
    done = tides(*words.split(), breaks=place)
    told = done.out + done.err
    assert "Traceback" not in told
    if words != "describe affinity":
        assert "is broken at" in told or "broken  lisppump-tides:tides" in told or "state" in told
    assert done.code == {"check": 4, "status": 4, "doctor": 1}.get(words, 0)


@pytest.mark.parametrize(
    "place", ["import", "load", "select", "merge contract", "frame_started", "echo hook"]
)
def test_broken_where_nobody_names_it(quiet: World, place: str) -> None:
    text = quiet.shown(*RUN, breaks=place)
    golden(f"../thirdparty/unnamed-{place.replace(' ', '-')}.txt", text)
    assert text.endswith("exit 0\n") and "2 merged" in text


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("-p", "no:lisppump-tides", *RUN), {}),
        (("-p", "no:tides", *RUN), {}),
        (RUN, {"LISPPUMP_PLUGINS": "no:Lisppump_Tides"}),
    ],
)
def test_it_can_be_switched_off(quiet: World, words: tuple[str, ...], env: dict[str, str]) -> None:
    done = quiet(*words, breaks="import", **env)
    assert (done.code, "lisppump-tides" in done.err) == (0, False)
    assert quiet("show", "--json", breaks="import").json["overrides"]["without"]


def test_it_can_be_switched_off_in_the_policy(quiet: World) -> None:
    path = quiet.folder / "pump.lisp"
    path.write_text(path.read_text().replace("(name quiet)", "(name quiet) (plugins (without tides))"))
    assert "no tide" not in quiet(*RUN, breaks="select").err
    assert "off  " in quiet("plugins").out and "by (plugins (without ...))" in quiet("plugins").out
    path.write_text(path.read_text().replace("(pipe (lispy (program persona)))", "(pipe tides)"))
    done = quiet("check")
    assert done.code == 4 and "error[plugin-off]" in done.err


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ('(require "lisppump-tides" ">=2")', "lisppump-tides >=2 is required, 1.2.0 is installed"),
        ('(require "lisppump-ebb")', "lisppump-ebb is not installed"),
    ],
)
def test_what_a_policy_requires_must_be_there(quiet: World, clause: str, said: str) -> None:
    path = quiet.folder / "pump.lisp"
    path.write_text(path.read_text().replace("(name quiet)", f"(name quiet) (plugins {clause})"))
    done = quiet("check")
    assert done.code == 4
    assert f"error[missing-plugin]: {said}" in done.err and "help: lisppump plugins add" in done.err
