"""Exit codes, streams and the environment, each shown by a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lisppump import Pump
from tests.cli_support import ROOT, Lisppump, Outcome, spawn

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
ADD = "(apply + (range 99))"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    return tmp_path


def change(world: Path, old: str, new: str) -> None:
    assert old in ROOMS
    (world / "pump.lisp").write_text(ROOMS.replace(old, new))


def told(outcome: Outcome, code: int, error: str) -> None:
    """Hold an outcome to its exit code and to one diagnostic on stderr."""
    assert (outcome.code, outcome.out) == (code, ""), outcome.err
    assert outcome.err.splitlines()[0].startswith(f"error[{error}]: ")
    assert "Traceback" not in outcome.err


def test_0_ok(world: Path) -> None:
    outcome = spawn("step", cwd=world)
    assert (outcome.code, outcome.out) == (0, "")


def test_1_it_ran_and_the_answer_is_no(world: Path) -> None:
    told(spawn("show", "99", cwd=world), 1, "no-such-frame")
    told(spawn("eval", "(car 5)", cwd=world), 1, "wrong-type")


def test_2_usage(world: Path) -> None:
    told(spawn("run", "--frmaes", "2", cwd=world), 2, "bad-usage")


def test_3_pump_lisp_does_not_check(world: Path) -> None:
    change(world, "(dam round-robin)", "(dam round-robbin)")
    told(spawn("check", cwd=world), 3, "unknown-stage")
    told(spawn("step", cwd=world), 3, "unknown-stage")


def test_4_a_plugin_that_it_names_failed(world: Path) -> None:
    change(world, "(dam round-robin)", "(dam (by (lambda (agents n) '())))")
    told(spawn("step", cwd=world), 4, "contract")


def test_5_locked(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step()
        told(spawn("step", cwd=world), 5, "locked")


def test_5_damaged(world: Path) -> None:
    spawn("step", "-n", "2", cwd=world)
    (segment,) = (world / ".lisppump" / "journal").iterdir()
    data = bytearray(segment.read_bytes())
    data[len(data) // 3] ^= 1
    segment.write_bytes(data)
    for command in ("status", "step"):
        outcome = spawn(command, cwd=world)
        told(outcome, 5, "damaged")
        assert "help: " in outcome.err
    assert spawn("check", cwd=world).code == 0


def test_6_stopped_by_the_breaker_and_by_the_budget(world: Path) -> None:
    change(world, "(persona agent room)", '(persona agent room) (error "no more")')
    outcome = spawn("run", cwd=world)
    assert outcome.code == 6 and "error[breaker-open]: the run stops after frame 3: " in outcome.err
    change(world, "(dam round-robin)", "(dam round-robin) (budget (wall (seconds 1e-9)))")
    outcome = spawn("run", cwd=world)
    assert outcome.code == 6 and "error[budget-spent]: " in outcome.err


def test_70_our_defect(world: Path) -> None:
    code = (
        "import sys, lisppump.status\n"
        "from lisppump.cli import main\n"
        "def wrong(pump): raise AssertionError('this cannot be')\n"
        "lisppump.status.status_of = wrong\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    for words in (["status"], ["status", "--json"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=world, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 70
        assert "Traceback (most recent call last)" in done.stderr and "this cannot be" in done.stderr
    assert json.loads(done.stdout)["error"]["category"] == "defect"


def test_130_interrupted(world: Path) -> None:
    change(world, "(every (seconds 0))", "(every (hours 1))")
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", "run", "--json"], cwd=world, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["frame"] == 1
    assert spawn("status", "--json", cwd=world).json["lock"] == process.pid
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "stopped after frame 1" in err


# -- stdout and stderr


def test_with_json_an_error_is_a_document_and_stderr_is_empty(world: Path) -> None:
    change(world, "(dam round-robin)", "(dam round-robbin) (sead 3)")
    outcome = spawn("plan", "--json", cwd=world)
    assert (outcome.code, outcome.err) == (3, "")
    assert outcome.json["error"] == outcome.json["errors"][0] and len(outcome.json["errors"]) == 2


def shell(line: str, cwd: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line, in which lisppump stands for the command."""
    return subprocess.run(
        ["sh", "-c", f'lisppump() {{ {sys.executable} -m lisppump "$@"; }}; {line}'],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, input=text, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", ["eval 1", "--help", "eval --help", "repl", "step -q", "eval 1 --json", ""])
def test_who_closes_stdout_wants_no_result(world: Path, words: str) -> None:
    done = shell(f"lisppump {words} >&-", world, "1\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_who_closes_stderr_wants_no_errors(world: Path) -> None:
    done = shell("lisppump eval '(car 5)' 2>&-", world)
    assert (done.returncode, done.stdout) == (1, "")
    done = shell("lisppump step -q <&- >&- 2>&-; echo $?; lisppump eval '(rb-frame)'", world)
    assert (done.stdout, done.stderr) == ("0\n1\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a system without a full disk to write to")
@pytest.mark.parametrize(
    "words",
    ["eval 1", "eval 1 --json", "--help", "--version", "", "repl", "describe map", "status",
     "eval '(range 20000)'", "eval '(car 5)' --json"],
)  # fmt: skip
def test_a_full_disk_is_no_defect(world: Path, words: str) -> None:
    done = shell(f"lisppump {words} >/dev/full", world, "1\n2\n")
    assert done.returncode == 5
    assert done.stderr == (
        "error[disk]: the result cannot be written: no space left on device\n"
        "  help: make room, or send it elsewhere\n"
    )
    done = shell(f"lisppump {words} >/dev/full 2>&1", world, "1\n2\n")
    assert (done.returncode, done.stderr) == (5, "")


@pytest.mark.parametrize("words", ["eval -", "repl", "fmt -"])
def test_without_stdin_nothing_is_read_from_it(world: Path, words: str) -> None:
    done = shell(f"lisppump {words} <&-", world)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error[bad-usage]: stdin is closed") and done.stderr.count("\n") == 2


def test_quiet_leaves_results_and_errors(world: Path) -> None:
    assert spawn("run", "--frames", "2", "-q", cwd=world) == Outcome(0, "", "")
    outcome = spawn("run", "--frames", "1", "-q", "--json", cwd=world)
    assert (outcome.code, outcome.err, outcome.lines[0]["frame"]) == (0, "", 3)
    assert spawn("status", "-q", cwd=world).out.startswith("rooms: frame 3, idle\n")
    told(spawn("show", "99", "-q", cwd=world), 1, "no-such-frame")


def test_why_a_stream_failed_is_seen_without_json(world: Path) -> None:
    change(world, "(persona agent room)", '(persona agent room) (error "no more")')
    run = spawn("step", cwd=world)
    assert run.err.count("no more") == 6
    for command in ("status", "show"):
        assert spawn(command, cwd=world).out.count("no more") == 6


# -- the environment


def test_no_color_wins_over_the_terminal_and_color_over_it(world: Path) -> None:
    coloured = spawn("show", "99", "--color", cwd=world, NO_COLOR="1").err
    assert "\x1b[" in coloured and "\x1b[" not in spawn("show", "99", cwd=world, NO_COLOR="1").err
    assert "\x1b[" in spawn("show", "99", cwd=world, LISPPUMP_COLOR="1").err


@pytest.mark.parametrize(
    ("variable", "value", "words", "same"),
    [
        ("DIR", "{world}", ["plan"], ["plan", "-C", "{world}"]),
        ("PUMP", "{world}/other.lisp", ["check"], ["check", "--pump", "{world}/other.lisp"]),
        ("JSON", "1", ["plan"], ["plan", "--json"]),
        ("PLUGINS", "no:lisppump", ["check"], ["check", "-p", "no:lisppump"]),
        ("COLOR", "1", ["plan"], ["plan", "--color"]),
        ("PLAN_STREAMS", "2", ["plan"], ["plan", "--streams", "2"]),
        ("PLAN_PROMPT", "3", ["plan"], ["plan", "--prompt", "3"]),
        ("STEP_DRY_RUN", "1", ["step"], ["step", "--dry-run"]),
        ("EVAL_STEPS", "10", ["eval", ADD], ["eval", ADD, "--steps", "10"]),
        ("LOG_COUNT", "1", ["log"], ["log", "-n", "1"]),
    ],
)
def test_each_option_has_a_variable(
    world: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    words: list[str],
    same: list[str],
) -> None:
    monkeypatch.chdir(world)
    lisppump = Lisppump(capsys)
    (world / "other.lisp").write_text(ROOMS.replace("(name rooms)", "(name others)"))
    without, wanted = lisppump(*words), lisppump(*(word.format(world=world) for word in same))
    assert without != wanted or variable in ("DIR", "LOG_COUNT")
    monkeypatch.setenv(f"LISPPUMP_{variable}", value.format(world=world))
    assert lisppump(*words) == wanted


def test_frames_and_quiet_from_the_environment(world: Path) -> None:
    outcome = spawn("run", cwd=world, LISPPUMP_RUN_FRAMES="2", LISPPUMP_RUN_STREAMS="3", LISPPUMP_QUIET="1")
    assert outcome == Outcome(0, "", "")
    document = spawn("show", "--json", cwd=world).json
    assert (document["frame"], document["overrides"]) == (2, {"streams": 3})


def test_a_wrong_variable_is_a_usage_error(world: Path) -> None:
    told(spawn("status", cwd=world, LISPPUMP_QUIET="perhaps"), 2, "bad-usage")
    told(spawn("status", cwd=world, LISPPUMP_PLUGINS="lisppump"), 2, "bad-usage")


def test_a_plugin_that_is_left_out_is_written_into_the_intent(world: Path) -> None:
    assert spawn("step", "-p", "no:noisy", "-p", "no:other", cwd=world).code == 0
    assert spawn("show", "--json", cwd=world).json["overrides"] == {"without": ["noisy", "other"]}
    told(spawn("step", "-p", "no:lisppump", cwd=world), 4, "plugin-off")
