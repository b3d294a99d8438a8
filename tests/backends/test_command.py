"""The backend `command`: any program, its prompt, its reply, and every way in which it can go wrong."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.backend_command import Command

from lisppump.calling import BackendError, Failure, Repair, Reply, Request, terms
from lisppump.delta import Usage
from lisppump.testing import check_stage_options, frame_of, people, request_of
from tests.backends.programs import (
    Programs,
    findings,
    frame,
    lines,
    nobody_left,
    peak,
    ran,
    start,
    wait_until,
)

STANDIN = '(environment "COPILOT_STANDIN" "COPILOT_STANDIN_PIDS")'
ASSUMED = Usage(output=900, dollars=0.5, assumed=True)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "programs")


def asked(**more: Any) -> Request:
    return request_of(frame_of({"agents.json": {}}), people("ann", "bob"), **more)


def answer(*words: str, **options: Any) -> Reply:
    return asyncio.run(Command(words, **options).pour(asked()))


def failure(*words: str, **options: Any) -> BackendError:
    with pytest.raises(BackendError) as caught:
        answer(*words, **options)
    return caught.value


def test_its_options() -> None:
    check_stage_options(Command, '(command "cat")')
    check_stage_options(
        Command,
        '(command "llm" "-m" "x" (assume (tokens 9) (dollars 0.5)) (silence (seconds 9)) (at-once 3) '
        '(output (megabytes 2)) (environment "A_KEY" "B"))',
    )


def test_what_it_declares() -> None:
    bare = terms(Command(("cat",)))
    assert (bare.mends, bare.reports, bare.assumed, bare.max_tokens) == (True, False, None, None)
    assert bare.at_once is not None and bare.at_once > 0
    declared = terms(Command(("cat",), assume=ASSUMED, at_once=2))
    assert (declared.assumed, declared.max_tokens, declared.at_once) == (ASSUMED, 900, 2)


def test_the_prompt_is_on_its_standard_input() -> None:
    request = asked()
    reply = answer("cat")
    assert reply.text == request.prompt.shared + request.prompt.room
    assert reply.usage == Usage(dollars=None) and answer("cat", assume=ASSUMED).usage == ASSUMED


def test_a_repair_is_a_part_of_the_prompt() -> None:
    request = asked(repair=Repair("half a rep", "it ends too early"))
    reply = asyncio.run(Command(("cat",)).pour(request))
    assert "half a rep" in str(reply.text) and "it ends too early" in str(reply.text)


def test_or_in_a_file_of_its_own() -> None:
    reply = answer("sh", "-c", 'cat "$1"; cat; echo "$1"', "sh", "{prompt-file}")
    text, _, path = str(reply.text).rstrip("\n").rpartition("/")
    file = Path(text.rpartition("\n")[2].rpartition("/")[0] or "/") / path
    assert asked().prompt.room in text and path == "prompt.txt" and not file.exists()
    assert answer("sh", "-c", "stat -c %a $1", "sh", "{prompt-file}").text == "600\n"
    assert "--from=/" in str(answer("echo", "--from={prompt-file}").text)


def test_it_runs_in_an_empty_folder_of_its_own() -> None:
    assert answer("sh", "-c", "ls -A; echo here").text == "here\n"
    first, second = (str(answer("pwd").text).strip() for _ in range(2))
    assert first != second and not os.path.exists(first)


def test_it_gets_what_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "mine")
    monkeypatch.setenv("OTHER", "other")
    text = str(answer("env", environment=("MY_KEY", "NOT_SET")).text)
    assert "MY_KEY=mine" in text and "OTHER" not in text and "NOT_SET" not in text and "PATH=" in text


@pytest.mark.parametrize(
    "script, kind, reason",
    [
        ("exit 1", "unavailable", "`sh` ended with the exit code 1"),
        ("echo why >&2; exit 1", "unavailable", "`sh` ended with the exit code 1: why"),
        ("exit 64", "defect", "`sh` ended with the exit code 64"),
        ("exit 65", "refused", "`sh` ended with the exit code 65"),
        ("exit 75", "unavailable", "`sh` ended with the exit code 75"),
        ("echo Error 429 >&2; exit 1", "throttled", "`sh` ended with the exit code 1: Error 429"),
        ("kill -9 $$", "unavailable", "`sh` was killed from outside (SIGKILL)"),
        ("kill -TERM $$", "unavailable", "`sh` was killed from outside (SIGTERM)"),
        ("exit 0", "unavailable", "`sh` printed nothing and said nothing about it"),
        ("echo; echo hm >&2", "unavailable", "`sh` printed nothing: hm"),
        ("no-such-word", "unavailable", "`sh` ended with the exit code 127: sh: 1: no-such-word: not found"),
    ],
)
def test_ways_to_end(script: str, kind: str, reason: str) -> None:
    error = failure("sh", "-c", script, assume=ASSUMED)
    assert (error.failure, error.usage) == (Failure(kind), ASSUMED)
    assert error.reason.startswith(reason.partition(": sh:")[0])


def test_one_that_is_not_there(tmp_path: Path) -> None:
    error = failure("no-such-program", assume=ASSUMED)
    assert (error.failure, error.usage.output) == (Failure.REFUSED, 0)
    assert error.reason.startswith("`no-such-program` was not found on the PATH; install it, or name another")
    broken = tmp_path / "broken"
    broken.write_text("no program at all")
    broken.chmod(0o755)
    assert failure(str(broken)).reason.startswith("`broken` could not be started: exec format error; is ")


def test_what_is_no_text_is_kept() -> None:
    error = failure("printf", "abc\\377def")
    assert (error.failure, error.text) == (Failure.INVALID, "abc\\xffdef")
    assert error.reason == "`printf` printed no UTF-8 text: byte 3 is 0xff"


def test_too_much_and_too_little() -> None:
    error = failure("yes", output=1000)
    assert (error.failure, error.text) == (Failure.INVALID, "y\n" * 500)
    assert error.reason == "`yes` printed more than 1,000 bytes and was ended"
    error = failure("sh", "-c", "echo begun; sleep 600", silence=1.0)
    assert (error.failure, error.text) == (Failure.TIMED_OUT, "begun\n")
    assert error.reason == "`sh` printed nothing for 1 s and was ended"


def test_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "canary-0123456789")
    error = failure("sh", "-c", 'echo "bad key $MY_KEY" >&2; exit 1', environment=("MY_KEY",))
    assert error.reason == "`sh` ended with the exit code 1: bad key [secret]"


def stand_in(programs: Programs, *more: str) -> str:
    return f'(command "{programs.program}" "--text" {STANDIN} {" ".join(more)})'


def test_fifteen_at_once_and_each_ends_as_it_should(programs: Programs) -> None:
    programs.world(stand_in(programs, "(assume (tokens 100) (dollars 0.01))"), streams=15, deadline=15)
    with start(programs, "run", "--frames", "1") as process:
        quiet = peak(process.communicate()[1])
    ways = {
        "hang": "timed-out", "killed": "failed", "flood": "invalid", "bytes": "invalid", "nothing": "failed",
        "1": "failed", "70": "failed", "throttled": "throttled",
    }  # fmt: skip
    programs.told = {f"stream-{number:04}": way for number, way in enumerate(ways, 1)}
    for mark in (programs.folder / "marks").iterdir():
        mark.unlink()
    with nobody_left(programs), start(programs, "run", "--frames", "1") as process:
        programs.wait_for("hangs", 2)
        os.kill(programs.pid(2), signal.SIGKILL)
        err = process.communicate()[1]
    assert process.returncode == 0, err
    streams = frame(programs, 2)
    wanted = [*ways.values()]
    assert [streams[number]["status"] for number in range(1, 16)] == wanted + ["ok"] * (15 - len(wanted))
    usage = streams[15]["usage"]
    assert (usage["output"], usage["dollars"], usage["assumed"]) == (100, 0.01, True)
    assert programs.litter() == [] and peak(err) - quiet < 40_000


def test_no_orphan_outlives_a_pump_that_is_killed_and_the_run_goes_on(programs: Programs) -> None:
    programs.world(stand_in(programs), streams=15)
    programs.told = {f"stream-{number:04}": "hang" for number in range(1, 16)}
    with nobody_left(programs), start(programs, "run", "--frames", "1") as process:
        programs.wait_for("hangs", 15)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        wait_until(lambda: programs.left() == [] and programs.litter() == [])
    programs.told = {}
    ran(programs, "run", "--frames", "1")
    assert len(lines(programs)) == 15


def test_a_hundred_and_thirty_eight_at_once(programs: Programs) -> None:
    code = (
        "import re, sys, json; agent = re.findall(r'^- ([\\\\w-]+):', sys.stdin.read(), re.M)[-1]; "
        "print(json.dumps({'lines': [{'agent': agent, 'text': 'x'}]}))"
    )
    programs.world(f'(command "{sys.executable}" "-I" "-S" "-c" "{code}")', streams=138, deadline=120)
    ran(programs, "run", "--frames", "1")
    assert len(lines(programs)) == 138 and programs.litter() == []


def test_the_doctor_looks_at_it(programs: Programs) -> None:
    programs.world('(command "cat" (environment "NOT_SET_KEY"))')
    found = findings(programs)
    assert found[0][0] == "ok" and found[0][1].startswith("asked: `cat` is /")
    assert found[1:] == [
        ("warning", "asked: NOT_SET_KEY is not set"),
        ("warning", "asked: what a call costs is not declared"),
    ]


def test_the_doctor_misses_it(programs: Programs) -> None:
    programs.world('(command "no-such-program" (assume (tokens 0) (dollars 0)))')
    assert findings(programs) == [("error", "asked: `no-such-program` was not found on the PATH")]
