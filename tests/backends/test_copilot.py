"""The backend `copilot` with a stand-in for the CLI: replies, every failure, who is left, what lies about."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.backend_copilot import Copilot
from lisppump.plugins.copilot_events import LINE, Events, usage_of

from lisppump.calling import terms
from lisppump.delta import Usage
from lisppump.testing import check_stage_options
from tests.backends.programs import (
    Programs,
    findings,
    frame,
    lines,
    lives,
    nobody_left,
    peak,
    ran,
    start,
    wait_until,
)


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path / "programs")


def test_its_options() -> None:
    check_stage_options(Copilot)


def test_what_it_declares() -> None:
    plain = terms(Copilot())
    assert (plain.mends, plain.warms, plain.at_once) == (True, True, 8)
    assert (plain.max_tokens, plain.reports, plain.assumed) == (None, False, None)
    cost = Usage(output=9000, dollars=0.04, assumed=True)
    declared = terms(Copilot(model="m", assume=cost, profile="agentic", at_once=15))
    assert (declared.max_tokens, declared.reports, declared.assumed) == (9000, False, cost)
    assert (declared.model, declared.warms, declared.at_once) == ("m", False, 15)


def test_a_frame_is_answered(programs: Programs) -> None:
    programs.world('(copilot (model "gpt-4o"))')
    programs.told = {"stream-0002": "prose", "stream-0003": "long-line"}
    with nobody_left(programs):
        ran(programs, "run", "--frames", "1")
    streams = frame(programs)
    assert [stream["status"] for stream in streams.values()] == ["ok"] * 3
    assert lines(programs) == {"agent-0", "agent-1", "agent-2"}
    usage = streams[1]["usage"]
    assert (usage["input"], usage["cache_read"], usage["output"]) == (1000, 4000, 70)
    assert streams[1]["model"] == "gpt-4o" and programs.litter() == []


def test_the_shared_prefix_is_the_same_file_in_the_same_folder_for_all(programs: Programs) -> None:
    programs.world("copilot")
    ran(programs, "run", "--frames", "1")
    calls = [programs.call(stream) for stream in (1, 2, 3)]
    assert len({call["where"] for call in calls}) == len({call["shared"] for call in calls}) == 1
    for number, call in enumerate(calls, 1):
        assert call["shared"].startswith("You are one pipe") and "Your room" not in call["shared"]
        assert call["prompt"].startswith(f"\n# Your room: stream-000{number}")
        words = call["words"]
        assert "--available-tools=none_such" in words and "--no-custom-instructions" not in words
        assert not {"--yolo", "--autopilot", "-p"} & set(words) and "--model" not in words
    assert len({call["environment"]["COPILOT_HOME"] for call in calls}) == 3


def test_or_it_is_a_part_of_the_prompt(programs: Programs) -> None:
    programs.world("(copilot (shared prompt))")
    ran(programs, "run", "--frames", "1")
    call = programs.call(1)
    assert call["shared"] is None and call["prompt"].startswith("You are one pipe")
    assert "# Your room: stream-0001" in call["prompt"] and "--no-custom-instructions" in call["words"]


def test_an_agent_works_in_a_folder_of_its_own_that_is_kept(programs: Programs) -> None:
    world = programs.world('(copilot (profile agentic) (folder "workshop") (continues 2))', streams=2)
    ran(programs, "run", "--frames", "1", COPILOT_PROVIDER_API_KEY="canary-0123456789")
    for number in (1, 2):
        call = programs.call(number)
        assert call["cwd"] == str(world / "workshop" / f"frame-000001-stream-000{number}")
        words = set(call["words"])
        assert {"--yolo", "--autopilot", "--max-autopilot-continues=2", "--no-custom-instructions"} <= words
        assert "--secret-env-vars=COPILOT_PROVIDER_API_KEY" in words
        assert Path(call["cwd"]).is_dir()
    assert programs.litter() == []


def test_what_a_call_gets_of_the_environment(programs: Programs) -> None:
    programs.world('(copilot (environment "MY_KEY"))', streams=1)
    more = {
        "GH_TOKEN": "t", "MY_KEY": "k", "OTHER_KEY": "o", "COPILOT_ALLOW_ALL": "true", "COPILOT_HOME": "/x",
        "COPILOT_CUSTOM_INSTRUCTIONS_DIRS": "/etc", "COPILOT_OFFLINE": "true",
    }  # fmt: skip
    ran(programs, "run", "--frames", "1", **more)
    found = programs.call(1)["environment"]
    assert (found["GH_TOKEN"], found["MY_KEY"], found["COPILOT_OFFLINE"]) == ("t", "k", "true")
    assert not {"OTHER_KEY", "COPILOT_ALLOW_ALL", "COPILOT_CUSTOM_INSTRUCTIONS_DIRS"} & set(found)
    assert found["COPILOT_HOME"].startswith(str(programs.folder / "tmp"))


def test_a_login_is_found_in_the_home_of_a_call_and_goes_with_it(programs: Programs) -> None:
    programs.world("copilot", streams=1)
    login = programs.folder / "home" / ".copilot" / "config.json"
    login.parent.mkdir()
    login.write_text("{}")
    programs.told = {"stream-0001": "hang"}
    with nobody_left(programs), start(programs, "run", "--frames", "1") as process:
        programs.wait_for("hangs", 1)
        link = Path(programs.call(1)["environment"]["COPILOT_HOME"]) / "config.json"
        assert link.resolve() == login.resolve()
        wait_until(lambda: process.send_signal(signal.SIGINT) or process.poll() is not None)  # as at Ctrl-C
        process.communicate()
        wait_until(lambda: programs.litter() == [] and programs.left() == [])
    assert login.read_text() == "{}"


FAILURES = {
    "retry": ("throttled", "Copilot asks for a pause: Rate limit reached"),
    "rate_limit": ("throttled", "Copilot asks for a pause: it is rate_limit"),
    "quota": ("failed", "Copilot's own budget is used up: it is quota"),
    "authentication": ("failed", "Copilot does not let this user in: it is authentication; run `copilot log"),
    "context_limit": ("failed", "Copilot does not take this prompt: it is context_limit"),
    "query": ("failed", "Copilot has no answer: it is query"),
    "logged-out": ("failed", "nobody is logged in to Copilot; run `copilot login`, or set COPILOT_GITHUB_TO"),
    "nothing": ("failed", "`copilot` ended without an answer, as it does when it is ended from outside"),
    "cut": ("invalid", "the answer was cut off at the most tokens of the model"),
}


def test_every_failure_is_told_apart_and_the_rest_is_merged(programs: Programs) -> None:
    programs.world("(copilot (at-once 12) (assume (tokens 6000) (dollars 0.1)))", streams=len(FAILURES) + 2)
    programs.told = {f"stream-{number:04}": what for number, what in enumerate(FAILURES, 1)}
    with nobody_left(programs):
        ran(programs, "run", "--frames", "1")
    streams = frame(programs)
    for number, (what, (status, reason)) in enumerate(FAILURES.items(), 1):
        assert streams[number]["status"] == status, (what, streams[number])
        assert streams[number]["reason"].startswith(reason), what
        # A model that was asked, and whose answer never came to an end, took what is assumed.
        assert (streams[number]["usage"]["output"] >= 6000) == (what in ("nothing", "cut")), what
    assert [streams[len(FAILURES) + more]["status"] for more in (1, 2)] == ["ok", "ok"]
    assert len(lines(programs)) == 2


@pytest.mark.parametrize(
    "version, reason",
    [
        ("GitHub Copilot CLI 1.0.79.", "this Copilot CLI is 1.0.79; 1.0.80 or later is needed"),
        ("0.0.422", "this Copilot CLI is 0.0.422"),
        ("some other program", "does not say a version, as the Copilot CLI does: some other program"),
    ],
)
def test_one_that_is_too_old_or_another_program(programs: Programs, version: str, reason: str) -> None:
    programs.world("copilot", streams=2)
    ran(programs, "run", "--frames", "1", COPILOT_STANDIN_VERSION=version)
    streams = frame(programs)
    assert all(stream["status"] == "failed" and reason in stream["reason"] for stream in streams.values())
    assert programs.pids() == []


@pytest.mark.parametrize(
    "program, reason",
    [
        ("no-such-copilot", "`no-such-copilot` was not found on the PATH; npm install -g @github/copilot"),
        ("/no/such/copilot", "`/no/such/copilot` does not exist; npm install -g @github/copilot"),
    ],
)
def test_one_that_is_not_there(programs: Programs, program: str, reason: str) -> None:
    programs.world(f'(copilot (program "{program}"))', streams=1)
    ran(programs, "run", "--frames", "1")
    assert frame(programs)[1]["reason"] == reason


def test_a_deadline_of_its_own_leaves_time_for_others(programs: Programs) -> None:
    programs.world("(copilot (deadline (seconds 3)))", streams=1)
    programs.told = {"stream-0001": "hang"}
    with nobody_left(programs):
        ran(programs, "run", "--frames", "1")
    stream = frame(programs)[1]
    assert stream["status"] == "timed-out"
    assert stream["reason"] == "`copilot` took longer than 3 s and was ended"


def test_silence_ends_it(programs: Programs) -> None:
    programs.world("(copilot (silence (seconds 3)))", streams=1)
    programs.told = {"stream-0001": "hang"}
    with nobody_left(programs):
        ran(programs, "run", "--frames", "1")
    stream = frame(programs)[1]
    assert stream["status"] == "timed-out"
    assert stream["reason"] == "`copilot` printed nothing for 3 s and was ended"


def test_fifteen_at_once_of_which_one_hangs_one_is_killed_and_one_floods(programs: Programs) -> None:
    programs.world("(copilot (at-once 15))", streams=15, deadline=15)
    with start(programs, "run", "--frames", "1") as process:
        quiet = peak(process.communicate()[1])
    programs.told = {"stream-0004": "hang", "stream-0008": "killed", "stream-0012": "flood"}
    for mark in (programs.folder / "marks").iterdir():
        mark.unlink()
    with nobody_left(programs), start(programs, "run", "--frames", "1") as process:
        programs.wait_for("hangs", 2)
        os.kill(programs.pid(8), signal.SIGKILL)
        err = process.communicate()[1]
    assert process.returncode == 0, err
    streams = frame(programs, 2)
    wanted = {4: "timed-out", 8: "failed", 12: "invalid"}
    assert {number: stream["status"] for number, stream in streams.items()} == {
        number: wanted.get(number, "ok") for number in range(1, 16)
    }
    assert streams[8]["reason"] == "`copilot` was killed from outside (SIGKILL)"
    assert streams[12]["reason"] == "`copilot` printed more than 33,554,432 bytes and was ended"
    assert len(lines(programs)) == 15 and programs.litter() == []
    assert peak(err) - quiet < 40_000, "kilobytes that the flood took"


def test_no_orphan_outlives_a_pump_that_is_killed_and_the_run_goes_on(programs: Programs) -> None:
    programs.world("(copilot (at-once 15))", streams=15)
    programs.told = {f"stream-{number:04}": "hang" for number in range(3, 16)}
    with nobody_left(programs):
        with start(programs, "run", "--frames", "1") as process:
            programs.wait_for("hangs", 13)
            wait_until(lambda: not lives(programs.pid(2)))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        wait_until(lambda: programs.left() == [] and programs.litter() == [])
    programs.told = {}
    ran(programs, "run", "--frames", "1")
    assert all(stream["status"] == "ok" for stream in frame(programs).values())
    assert len(lines(programs)) == 15


def test_no_secret_is_written_down(programs: Programs) -> None:
    world = programs.world("copilot", streams=2)
    programs.told = {"stream-0001": "leak"}
    secrets = {"COPILOT_PROVIDER_API_KEY": "canary-key-0123456789", "GH_TOKEN": "canary-token-0123456789"}
    ran(programs, "run", "--frames", "1", **secrets)
    assert "bad key" in frame(programs)[1]["reason"]
    for file in world.rglob("*"):
        assert not file.is_file() or b"canary" not in file.read_bytes(), file


def test_the_doctor_looks_at_it(programs: Programs) -> None:
    programs.world("(copilot (assume (tokens 8000)))")
    found = findings(programs)
    assert found == [
        ("ok", f"asked: `copilot` is {programs.program}"),
        ("ok", "asked: it is version 1.0.102"),
        ("warning", "asked: nobody is logged in to Copilot, as far as one can see"),
    ]
    assert findings(programs, GH_TOKEN="canary-0123456789")[2] == ("ok", "asked: GH_TOKEN is set")
    own = findings(programs, COPILOT_PROVIDER_BASE_URL="http://me:canary@127.0.0.1:1/v1")[2]
    assert own[0] == "ok" and "no login is needed" in own[1] and "canary" not in own[1]
    assert findings(programs, COPILOT_STANDIN_VERSION="1.0.5")[1][0] == "error"
    assert programs.litter() == []


def test_the_doctor_misses_it(programs: Programs) -> None:
    programs.world('(copilot (program "no-such-copilot") (profile agentic))')
    assert findings(programs)[0] == ("error", "asked: `no-such-copilot` was not found on the PATH")


# -- events


def heard(*events: dict[str, Any] | str, plain: bool = True) -> Events:
    found = Events(plain, lambda: None)
    for event in events:
        found.feed(((event if isinstance(event, str) else json.dumps(event)) + "\n").encode())
    return found


def message(text: str) -> dict[str, Any]:
    return {"type": "assistant.message", "data": {"content": text, "model": "m"}}


def test_events_may_come_in_any_pieces() -> None:
    data = "".join(json.dumps(message(text)) + "\n" for text in ('{"a": 1}', "grüße")).encode()
    for size in (1, 2, 7, len(data)):
        found = Events(True, lambda: None)
        for place in range(0, len(data), size):
            assert not found.feed(data[place : place + size])
        assert found.answers == ['{"a": 1}', "grüße"] and found.model == "m"


def test_what_is_no_event_is_passed_over() -> None:
    odd = ["", "no json", "[]", "{}", "7", '{"type": 7}', "[" * 9999]
    odd += [f'{{"type": "assistant.message", "data": {data}}}' for data in (7, '{"content": 7}')]
    found = heard(*odd, message("{}"))
    assert found.answers == ["{}"] and found.odd == b"no json"


def test_a_line_without_end_takes_no_memory() -> None:
    found = Events(True, lambda: None)
    for _ in range(3 * LINE // 65536):
        found.feed(b"x" * 65536)
        assert len(found._line) <= LINE
    found.feed(b"\n" + json.dumps(message("{}")).encode() + b"\n")
    assert found.answers == ["{}"]


def test_the_last_answer_with_an_object_counts() -> None:
    assert heard(message('{"a": 1}'), message('{"a": 2}'), message("done")).answer() == '{"a": 2}'
    assert heard(message("one"), message("two")).answer() == "two"
    assert heard().answer() == ""


def test_an_agent_may_take_turns_and_retry() -> None:
    turn = {"type": "assistant.turn_start", "data": {"turnId": "1"}}
    failure = {"type": "model.call_failure", "data": {"statusCode": 401, "errorMessage": "no"}}
    assert heard(turn).cut_off and heard(failure).no_model
    agent = heard(turn, failure, plain=False)
    assert not agent.cut_off and not agent.no_model
    assert agent.error is not None and agent.error["errorType"] == "authentication"


@pytest.mark.parametrize(
    "file",
    [None, b"", b"x", b"[]", b"{}", b'{"modelMetrics": []}', b'{"modelMetrics": {}}',
     b'{"modelMetrics": {"m": {}}}', b'{"modelMetrics": {"m": {"usage": {"inputTokens": "x"}}}}',
     b'{"modelMetrics": {"m": {"usage": {"inputTokens": -1}}}}'],
)  # fmt: skip
def test_a_usage_file_that_says_nothing(file: bytes | None) -> None:
    assert usage_of(file) is None


def test_usage_is_summed_over_models() -> None:
    counts = {"inputTokens": 50, "outputTokens": 7, "cacheReadTokens": 30, "cacheWriteTokens": 5}
    file = {"modelMetrics": {"a": {"usage": counts}, "b": {"usage": {"inputTokens": 4, "outputTokens": 1}}}}
    assert usage_of(json.dumps(file).encode()) == Usage(19, 30, 5, 8, None)
