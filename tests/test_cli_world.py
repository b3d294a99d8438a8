"""The commands on worlds: check, plan, step, run, status, log, show, each for people and as pinned JSON."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Lisppump, golden, spawn

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
DIGEST_KEYS = {"frame", "digest", "time"}
STREAM = ["stream", "status", "reason", "partial", "backend", "model", "agents", "attempts", "usage"]
USAGE = {"input", "cache_read", "cache_write", "output", "dollars", "assumed"}


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "pump.lisp").write_text(ROOMS)
    return folder


def change(world: Path, old: str, new: str) -> None:
    path = world / "pump.lisp"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# -- check


def test_check_says_what_the_policy_is(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "check")
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out.splitlines()[-1] == "ok"
    assert "agents       agents.json agents" in outcome.out
    document = lisppump("-C", world, "check", "--json").json
    assert document["schema"] == "lisppump/check@1" and document["ok"] is True and document["errors"] == []
    assert document["summary"]["pipe"] == "script" and document["summary"]["collections"] == "lines"
    assert not (world / ".lisppump").exists() and not (world / "state").exists()


def test_check_warns_where_programs_would_stand_in_for_a_model(lisppump: Lisppump, world: Path) -> None:
    change(world, "(backends (script", '(backends (bright (command "llm")) (script')
    change(world, "(pipe script (deadline", "(pipe bright script none (deadline")
    outcome = lisppump("-C", world, "check")
    assert outcome.code == 0
    assert "asks the LisPy programs of `script` where the model `bright` fails" in outcome.err
    change(world, "(pipe bright script none (deadline", "(pipe script bright none (deadline")
    assert lisppump("-C", world, "check").err == ""


def test_check_tells_every_error_at_once(lisppump: Lisppump, world: Path) -> None:
    change(world, "round-robin", "round-robbin")
    change(world, "(streams how-many)", "(streems how-many)")
    outcome = lisppump("-C", world, "check")
    assert outcome.code == 3 and outcome.out == ""
    golden("error-check.txt", outcome.err)
    told = lisppump("check", world / "pump.lisp", "--json")
    assert told.code == 3 and told.err == "" and told.json["ok"] is False
    assert [error["code"] for error in told.json["errors"]] == ["unknown-clause", "unknown-stage"]
    assert told.json["error"] == told.json["errors"][0]
    for name in ("plan", "step", "run", "status", "log", "show"):
        assert lisppump("-C", world, name).code == 3


# -- plan


def test_plan_says_what_would_happen_and_writes_nothing(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "plan")
    assert outcome.code == 0 and outcome.err == ""
    assert outcome.out.startswith("frame 1  2026-01-01T01:00:00.000000Z  6 awake  6 streams\n")
    document = lisppump("-C", world, "plan", "--json").json
    assert {"schema", "wake", "streams", "at_most", "overrides", "notes"} | DIGEST_KEYS <= set(document)
    assert document["wake"] == ["ann", "bob", "cid", "dee", "eve", "fay"]
    assert {"stream", "topic", "agents", "backends", "prompt"} <= set(document["streams"][0])
    assert set(document["streams"][0]["prompt"]) == {"bytes", "tokens", "prefix_digest", "room_digest"}
    assert set(document["at_most"]) == {"tokens", "dollars", "unknown_prices", "unknown_usage"}
    assert not (world / ".lisppump").exists() and not (world / "state").exists()
    for name in ("step", "run"):
        assert lisppump("-C", world, name, "--dry-run", "--json").json == document
    assert not (world / ".lisppump").exists()


def test_plan_with_other_streams(lisppump: Lisppump, world: Path) -> None:
    document = lisppump("-C", world, "plan", "--streams", "2", "--json").json
    assert len(document["streams"]) == 2 and document["overrides"] == {"streams": 2}


def test_plan_prints_a_prompt(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "plan", "--prompt", "2")
    document = lisppump("-C", world, "plan", "--prompt", "2", "--json").json
    assert document["stream"] == 2 and len(document["agents"]) == 1
    assert document["agents"][0] in document["room"]
    assert outcome.code == 0
    assert outcome.out == f"{document['shared'].strip()}\n{document['room'].rstrip()}\n"
    assert lisppump("-C", world, "plan", "--prompt", "7").code == 2


# -- step and run


def test_step_makes_frames(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "step")
    assert outcome.code == 0 and outcome.out == ""
    assert outcome.err.startswith("frame 1  6 streams  ") and "6 merged" in outcome.err
    more = lisppump("-C", world, "step", "-n", "2", "--json", "-q")
    assert [line["frame"] for line in more.lines] == [2, 3] and more.err == ""
    assert more.lines[0]["schema"] == "lisppump/frame@1"
    assert list(more.lines[0]["streams"][0]) == STREAM


def test_run_makes_frames(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "run", "--frames", "2", "--streams", "3")
    assert outcome.code == 0 and outcome.out == ""
    assert [line.split("  ")[:2] for line in outcome.err.splitlines() if line.startswith("frame")] == [
        ["frame 1", "3 streams"],
        ["frame 2", "3 streams"],
    ]
    assert lisppump("-C", world, "show", "--json").json["overrides"] == {"streams": 3}


def test_a_run_that_its_breaker_stops_is_6(lisppump: Lisppump, world: Path) -> None:
    change(world, "(persona agent room)", '(persona agent room) (error "no more")')
    outcome = lisppump("-C", world, "run", "--frames", "9", "--json")
    assert outcome.code == 6
    assert [line.get("frame") for line in outcome.lines] == [1, 2, 3, None]
    assert outcome.lines[-1]["error"]["code"] == "breaker-open"
    assert "  invalid  stream 1  " in outcome.err and "failed: no more" in outcome.err


def test_two_runs_at_once_are_refused(lisppump: Lisppump, world: Path) -> None:
    from lisppump import Pump

    with Pump.open(world) as pump:
        pump.step()
        outcome = lisppump("-C", world, "step")
        assert outcome.code == 5 and outcome.out == ""
        assert lisppump("-C", world, "status", "--json").json["state"] == "running"


# -- looking back


def test_status(lisppump: Lisppump, world: Path) -> None:
    before = lisppump("-C", world, "status", "--json").json
    assert before["frame"] == 0 and before["state"] == "idle" and before["age_seconds"] is None
    lisppump("-C", world, "step", "-q")
    document = lisppump("-C", world, "status", "--json").json
    assert set(document) >= DIGEST_KEYS | {
        "schema", "state", "age_seconds", "node", "epoch", "policy", "streams", "merge", "breaker",
        "circuits", "budget", "edits", "lagging", "quarantine", "open_frame", "lock",
    }  # fmt: skip
    assert set(document["streams"][0]) >= set(STREAM) and set(document["streams"][0]["usage"]) >= USAGE
    assert set(document["policy"]) == {"digest", "stale", "error"}
    assert set(document["merge"]) == {"items", "merged", "duplicate", "quarantined"}
    outcome = lisppump("-C", world, "status")
    assert outcome.code == 0 and outcome.out.startswith("rooms: frame 1, idle\n") and outcome.err == ""


def test_log_is_newest_first(lisppump: Lisppump, world: Path) -> None:
    assert lisppump("-C", world, "log").out == ""
    lisppump("-C", world, "step", "-n", "3", "-q")
    lines = lisppump("-C", world, "log").out.splitlines()
    assert [line.split()[0] for line in lines][:3] == ["3", "2", "1"]
    entries = lisppump("-C", world, "log", "-n", "2", "--json").lines
    assert [entry["frame"] for entry in entries] == [3, 2]
    assert entries[0]["schema"] == "lisppump/log@1"


def test_show_names_a_frame_in_three_ways(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-n", "3", "-q")
    for name, number in (("HEAD", 3), ("HEAD~", 2), ("HEAD~2", 1), ("2", 2)):
        assert lisppump("-C", world, "show", name, "--json").json["frame"] == number
    document = lisppump("-C", world, "show", "--json").json
    assert set(document) >= DIGEST_KEYS | {
        "schema", "parent", "policy", "seed", "overrides", "wake", "streams", "deltas", "merge", "documents",
        "echo", "edits", "imports", "usage",
    }  # fmt: skip
    assert document["documents"]["lines.jsonl"]["changed"] is True
    outcome = lisppump("-C", world, "show")
    assert outcome.code == 0 and outcome.out.startswith("frame 3\n") and "lines.jsonl" in outcome.out
    for name, code in (("HEAD~9", 1), ("99", 1), ("head", 2), ("-1", 2)):
        assert lisppump("-C", world, "show", name).code == code, name


def test_looking_at_a_world_changes_no_file(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    before = {path: path.stat().st_mtime_ns for path in world.rglob("*")}
    for line in ("check", "plan", "status", "log", "show", "eval (keys frame)"):
        name, *rest = line.split(" ", 1)
        assert lisppump("-C", world, name, *rest).code == 0
    assert {path: path.stat().st_mtime_ns for path in world.rglob("*")} == before


# -- whole processes


def test_streams_stay_apart_and_nothing_is_coloured_in_a_pipe(world: Path) -> None:
    outcome = spawn("run", "--frames", "2", "--json", cwd=world)
    assert outcome.code == 0
    assert [line["frame"] for line in outcome.lines] == [1, 2]
    assert [line.split("  ")[0] for line in outcome.err.splitlines()] == ["frame 1", "frame 2"]
    assert "\x1b" not in outcome.out + outcome.err


def in_a_terminal(world: Path, *args: str, interrupt_at: str | None = None) -> tuple[int, str]:
    """The exit code of a command line and what it wrote to the terminal that is its stderr."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", *args],
        cwd=world, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
    )  # fmt: skip
    os.close(slave)
    written = b""
    while select.select([master], [], [], 60)[0]:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        written += piece
        if interrupt_at is not None and interrupt_at.encode() in written:
            process.send_signal(signal.SIGINT)
            interrupt_at = None
    os.close(master)
    return process.wait(timeout=60), written.decode()


def test_on_a_terminal_a_bar_is_drawn(world: Path) -> None:
    code, written = in_a_terminal(world, "run", "--frames", "2")
    assert code == 0
    assert "\x1b[" in written and "of 6 streams" in written
    assert "frame 2  6 streams  " in written


def test_the_second_interrupt_abandons_a_frame(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    change(world, "(persona agent room)", "(persona agent room) (let loop () (loop))")
    change(world, "(pump\n", "(pump\n  (limits (steps 1000000000000))\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", "run"], cwd=world, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    journal = world / ".lisppump" / "journal"
    begun = b'"kind":"intent"'
    while sum(path.read_bytes().count(begun) for path in journal.iterdir()) < 2 and process.poll() is None:
        select.select([], [], [], 0.01)
    process.send_signal(signal.SIGINT)
    assert b"finishing this frame" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, b"", b"interrupted")
    status = lisppump("-C", world, "status", "--json").json
    assert status["frame"] == 1 and status["open_frame"]["frame"] == 2 and status["lock"] is None


def test_an_interrupt_ends_a_run_after_its_frame(world: Path) -> None:
    change(world, "(every (seconds 0))", "(every (hours 1))")
    code, written = in_a_terminal(world, "run", interrupt_at="resting")
    assert code == 130
    assert "stopped after frame 1" in written
    assert spawn("status", "--json", cwd=world).json["frame"] == 1


@pytest.mark.parametrize("name", ["9" * 5000, "HEAD~" + "9" * 5000, "1@" + "9" * 5000, "٣"])
def test_a_number_that_python_would_not_read_names_no_frame(
    lisppump: Lisppump, world: Path, name: str
) -> None:
    lisppump("-C", world, "step", "-n", "3", "-q")
    for words in (["show", name], ["replay", name], ["rollback", name, "--yes"], ["why", "ada", name]):
        refused = lisppump("-C", world, *words)
        assert refused.code == 2 and "error[bad-usage]" in refused.err, refused.err


def test_who_names_no_frame_hears_where_they_are_listed(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    for words in (["show", "HEAD~9"], ["show", "9"], ["rollback", "9", "--yes"], ["diff", "9"]):
        refused = lisppump("-C", world, *words)
        assert refused.code == 1 and "error[no-such-frame]" in refused.err, refused.err
        assert "help: `lisppump log` lists the frames" in refused.err


def test_a_replay_says_what_there_is_to_replay(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    refused = lisppump("-C", world, "replay", "1..9")
    assert refused.code == 1 and "`lisppump replay 1..1`" in refused.err
    both = lisppump("-C", world, "replay", "--live", "1", "1..1")
    assert both.code == 2 and "--live asks for one frame once more" in both.err
    lisppump("-C", world, "rollback", "0", "--yes")
    for words in (["replay"], ["replay", "1"]):
        none = lisppump("-C", world, *words)
        assert none.code == 1 and "nothing has been made since frame 0" in none.err, none.err
        assert "help: `lisppump step` makes a frame" in none.err


def test_nobody_was_asked_for_frame_0(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    for words in (["replay", "--live", "0"], ["retry", "0", "--stream", "1", "--yes"]):
        refused = lisppump("-C", world, *words)
        assert refused.code == 1 and "frame 0 is the beginning: nobody was asked for it" in refused.err
    stream = lisppump("-C", world, "retry", "1", "--stream", "99", "--yes")
    assert stream.code == 1 and "help: `lisppump show 1` lists its streams" in stream.err
