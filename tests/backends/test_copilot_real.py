"""The real Copilot CLI, as npm has it, against a server that nobody here wrote."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends.npm import COPILOT, Aimock, aimock, binary, cache
from tests.backends.programs import (
    Programs,
    findings,
    frame,
    lines,
    ran,
    start,
    wait_until,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """A folder whose `copilot` is the real one; what it unpacks stays in the cache."""
    found = Programs(tmp_path / "programs")
    found.program.unlink()
    found.program.symlink_to(binary(COPILOT))
    return found


def said(agent: str, **more: Any) -> dict[str, Any]:
    """The fixture of an answer to the room of an agent."""
    content = json.dumps({"lines": [{"agent": agent, "text": f"{agent} is here"}]})
    return {"match": {"userMessage": f"- {agent}:"}, "response": {"content": content, **more}}


ALL = [said("agent-0"), said("agent-1"), said("agent-2")]


def variables(server: Aimock) -> dict[str, str]:
    home = cache() / "copilot-home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home), "COPILOT_PROVIDER_BASE_URL": f"{server.address}/v1", "COPILOT_OFFLINE": "true",
        "COPILOT_PROVIDER_TYPE": "openai", "COPILOT_PROVIDER_API_KEY": "canary-0123456789",
    }  # fmt: skip


def left(programs: Programs) -> list[str]:
    """The command lines of processes that were given a folder of ours."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(programs.folder).encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200])
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def nobody_is_left(programs: Programs) -> Iterator[None]:
    yield
    wait_until(lambda: left(programs) == [] and programs.litter() == [])


def asked(server: Aimock) -> list[dict[str, Any]]:
    """The bodies of what the model was asked, in their order."""
    return [each["body"] for each in server.requests() if "messages" in (each["body"] or {})]


def test_a_frame_is_answered_and_its_prefix_is_shared(programs: Programs, tmp_path: Path) -> None:
    programs.world('(copilot (model "gpt-4o"))')
    with aimock(tmp_path, ALL) as server:
        ran(programs, "run", "--frames", "1", **variables(server))
        bodies = asked(server)
    assert [stream["status"] for stream in frame(programs).values()] == ["ok"] * 3
    assert lines(programs) == {"agent-0", "agent-1", "agent-2"}
    assert all(stream["usage"]["input"] > 3000 for stream in frame(programs).values())
    systems = [body["messages"][0]["content"] for body in bodies]
    assert len(bodies) == 3 and all("tools" not in body for body in bodies)
    end = systems[0].index("</custom_instruction>")
    assert "You are one pipe of a simulation" in systems[0][:end]
    assert len({system[:end] for system in systems}) == 1
    assert all("# Your room" not in system for system in systems)
    assert all("You are one pipe" not in body["messages"][1]["content"] for body in bodies)


@pytest.mark.parametrize("shared", ["instructions", "prompt"])
def test_long_prompts(programs: Programs, tmp_path: Path, shared: str) -> None:
    body = '(string-repeat "lorem " 40000)'
    more = f'(prompt (shared (lambda (frame) (list (dict "title" "long" "body" {body})))))'
    programs.world(f'(copilot (model "gpt-4o") (shared {shared}))', streams=1, more=more)
    with aimock(tmp_path, ALL) as server:
        ran(programs, "run", "--frames", "1", **variables(server))
        sizes = [each["body"].get("originalByteSize", 0) for each in server.requests()]
    assert frame(programs)[1]["status"] == "ok" and max(sizes) > 150_000


ERRORS = [
    (429, "rate_limit_error", "throttled", "Copilot asks for a pause: it is rate_limit_error"),
    (529, "overloaded_error", "throttled", "Copilot asks for a pause: it is overloaded_error"),
    (500, "server_error", "failed", "Copilot has no answer: it is server_error"),
    (400, "invalid_request_error", "failed", "Copilot does not take this prompt: "),
]


@pytest.mark.parametrize("status, kind, wanted, reason", ERRORS)
def test_errors_of_the_server(
    programs: Programs, tmp_path: Path, status: int, kind: str, wanted: str, reason: str
) -> None:
    """The CLI itself would wait and ask up to six times; the pump has one request for each of its tries."""
    programs.world('(copilot (model "gpt-4o"))', deadline=90)
    broken = {"error": {"message": f"it is {kind}", "type": kind}, "status": status}
    bad = [{"match": {"userMessage": "- agent-1:"}, "response": broken}]
    with aimock(tmp_path, [*bad, ALL[0], ALL[2]]) as server:
        ran(programs, "run", "--frames", "1", **variables(server))
        tries = ["- agent-1:" in body["messages"][1]["content"] for body in asked(server)].count(True)
    (stream,) = [each for each in frame(programs).values() if each["agents"] == ["agent-1"]]
    assert (stream["status"], stream["reason"][: len(reason)]) == (wanted, reason)
    assert tries == len(stream["attempts"]) and lines(programs) == {"agent-0", "agent-2"}


def test_replies_that_are_cut_off_or_are_none(programs: Programs, tmp_path: Path) -> None:
    programs.world('(copilot (model "gpt-4o"))', streams=4, deadline=90)
    cut = {"content": '{"lines": [{"agent": "agent-0", "te', "finishReason": "length"}
    responses = [cut, {"content": ""}, {"content": "I would rather not."}]
    bad = [
        {"match": {"userMessage": f"- agent-{number}:"}, "response": response}
        for number, response in enumerate(responses)
    ]
    with aimock(tmp_path, [*bad, said("agent-3")]) as server:
        ran(programs, "run", "--frames", "1", **variables(server))
    streams = {stream["agents"][0]: stream for stream in frame(programs).values()}
    assert {agent: stream["status"] for agent, stream in streams.items()} == {
        "agent-0": "invalid", "agent-1": "failed", "agent-2": "invalid", "agent-3": "ok",
    }  # fmt: skip
    assert streams["agent-0"]["reason"] == "the answer was cut off at the most tokens of the model"
    assert lines(programs) == {"agent-3"}


def test_a_server_that_hangs_and_a_pump_that_is_killed(programs: Programs, tmp_path: Path) -> None:
    programs.world('(copilot (model "gpt-4o"))', deadline=20)
    with aimock(tmp_path, ALL, "--chaos-latency", "30000") as server:
        ran(programs, "run", "--frames", "1", **variables(server))
        assert {stream["status"] for stream in frame(programs).values()} == {"timed-out"}
        assert left(programs) == []
        with start(programs, "run", "--frames", "1", **variables(server)) as process:
            wait_until(lambda: sum("copilot-linux" in line for line in left(programs)) >= 3, 60)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        wait_until(lambda: left(programs) == [], 10)  # 0.4 s and what the machine takes
    with aimock(tmp_path, ALL) as server:
        ran(programs, "run", "--frames", "1", **variables(server))
    assert len(lines(programs)) == 3


def test_a_server_that_is_not_there(programs: Programs) -> None:
    programs.world('(copilot (model "gpt-4o"))', streams=1, deadline=90)
    ran(programs, "run", "--frames", "1", **variables(Aimock("http://127.0.0.1:9")))
    stream = frame(programs)[1]
    assert stream["status"] == "failed" and stream["reason"].startswith("Copilot has no answer: ")


def test_nobody_is_logged_in(programs: Programs) -> None:
    programs.world("copilot", streams=1)
    ran(programs, "run", "--frames", "1", HOME=variables(Aimock(""))["HOME"])
    assert frame(programs)[1]["reason"].startswith("nobody is logged in to Copilot; run `copilot login`, or")


def test_an_agent_with_tools(programs: Programs, tmp_path: Path) -> None:
    world = programs.world('(copilot (model "gpt-4o") (profile agentic))', streams=1)
    command = "echo from an agent > note.txt; (setsid sleep 600 >/dev/null 2>&1 &); env | grep -c 0123456789"
    tool = {"name": "bash", "arguments": {"command": command, "description": "a note"}}
    fixtures = [
        {"match": {"userMessage": "- agent-0:", "hasToolResult": False}, "response": {"toolCalls": [tool]}},
        said("agent-0"),
    ]
    with aimock(tmp_path, fixtures) as server:
        ran(programs, "run", "--frames", "1", **variables(server))
        bodies = asked(server)
    assert frame(programs)[1]["status"] == "ok" and lines(programs) == {"agent-0"}
    note = world / "hands" / "frame-000001-stream-0001" / "note.txt"
    assert note.read_text() == "from an agent\n"
    assert len(bodies) == 2 and bodies[1]["messages"][-1]["content"].startswith("0\n"), "the key is not lent"


def test_the_doctor(programs: Programs) -> None:
    programs.world("copilot")
    found = findings(programs, **variables(Aimock("http://127.0.0.1:9")))
    assert found[1] == ("ok", "asked: it is version 1.0.102")
    assert "no login is needed" in found[2][1] and os.environ.get("HOME")
