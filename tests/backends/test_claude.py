"""The backend `claude`, by the real package against a loopback server: answers, and failures by type."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")

from lisppump.plugins.backend_claude import Claude, caches_from

from lisppump.calling import BackendError, Failure, Repair, Reply
from lisppump.delta import Usage
from lisppump.errors import LisppumpError
from lisppump.prompt import Prompt
from lisppump.stages import Finding
from lisppump.testing import check_backend, check_stage_options
from tests.backends.asking import DELTA, Tool, failure, pour, request
from tests.backends.servers import (
    SSE,
    Answer,
    Asked,
    Server,
    closed_port,
    error,
    in_turn,
    message,
    said,
    start,
    stop,
    used,
)


def claude(server: Server, **options: Any) -> Claude:
    return Claude(**{"model": "claude-test", "max_tokens": 100, "base_url": server.url, **options})


# -- answers


def test_what_is_asked_and_what_comes_back(server: Server) -> None:
    server.answer = message('{"lines":', " []}", cache_read_input_tokens=30, cache_creation_input_tokens=40)
    began: list[int] = []
    prompt = Prompt("what all read", "what this room reads")
    reply = pour(claude(server), request(prompt=prompt, began=lambda: began.append(server.open)))
    assert reply == Reply(
        text='{"lines": []}',
        usage=Usage(input=7, cache_read=30, cache_write=40, output=5, dollars=None),
        model="claude-test-1",
    )
    assert began == [1]
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/messages")
    assert asked.json == {
        "model": "claude-test",
        "max_tokens": 100,
        "stream": True,
        "system": [
            {"type": "text", "text": "what all read", "cache_control": {"type": "ephemeral", "ttl": "5m"}}
        ],
        "messages": [{"role": "user", "content": "what this room reads"}],
        "output_config": {
            "format": {
                "type": "json_schema",
                "schema": DELTA,
            }
        },
    }


def test_rooms_of_a_frame_differ_in_nothing_but_their_talk(server: Server) -> None:
    server.answer = message("{}")
    given = [request(prompt=Prompt("what all read", f"room {n}")) for n in range(4)]
    assert [reply.text for reply in pour(claude(server), *given)] == ["{}"] * 4
    heads = {asked.body.replace(b"room %d" % n, b"") for asked in server.asked for n in range(4)}
    bare = {json.dumps({**asked.json, "messages": None}) for asked in server.asked}
    assert len(bare) == 1 and len(heads) > 1
    assert server.most == 4 and server.open == 0


def test_options(server: Server) -> None:
    server.answer = message("{}")
    pour(claude(server, cache="1h", effort="low", schema="words"))
    pour(claude(server, cache="none"))
    first, second = (asked.json for asked in server.asked)
    assert first["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert first["output_config"] == {"effort": "low"}
    assert "cache_control" not in second["system"][0]
    assert claude(server).warms and not claude(server, cache="none").warms


def test_a_repair_is_asked_for_in_the_same_talk(server: Server) -> None:
    server.answer = message("{}")
    pour(claude(server), request(repair=Repair("nonsense", "it holds no JSON")))
    pour(claude(server), request(repair=Repair("", "it is empty")))
    talks = [asked.json["messages"] for asked in server.asked]
    assert [each["role"] for each in talks[0]] == ["user", "assistant", "user"]
    assert talks[0][1]["content"] == "nonsense" and "it holds no JSON" in talks[0][2]["content"]
    assert talks[1][1]["content"] == "(nothing)"  # the server takes no empty text


def test_one_client_serves_a_run_and_the_next_run_has_its_own(server: Server) -> None:
    server.answer = message("{}")
    backend = claude(server)

    async def run() -> None:
        for _ in range(3):
            await backend.pour(request())
        await backend.close()

    asyncio.run(run())
    assert server.most == 1 and len(server.asked) == 3
    asyncio.run(run())
    assert len(server.asked) == 6
    asyncio.run(backend.close())


def test_the_contracts(server: Server) -> None:
    server.answer = message("{}")
    assert isinstance(check_backend(claude(server), request()), Reply)
    server.answer = error(500, "api_error")
    assert isinstance(check_backend(claude(server), request()), BackendError)
    check_stage_options(Claude, '(claude (model "claude-opus-4-6") (cache 1h) (silence (minutes 1)))')


# -- tools


def test_a_model_may_use_tools_before_it_answers(server: Server) -> None:
    server.answer = in_turn(
        Answer(
            [
                start(), *said("let me see"), *used("lispy_eval", {"code": "(+ 1 2)"}, index=1),
                *used("other", {}, index=2, id="toolu_2"), *stop("tool_use", 20),
            ],
            headers=SSE,
        ),
        message("{}", output=9),
    )  # fmt: skip
    tool, began = Tool(), []
    reply = pour(claude(server), request(tools=(tool,), began=lambda: began.append(1)))
    assert (reply.text, reply.usage.output, reply.usage.input) == ("{}", 29, 14)
    assert tool.used == [{"code": "(+ 1 2)"}] and began == [1]
    first, second = (asked.json for asked in server.asked)
    assert first["tools"] == second["tools"]
    assert first["tools"][0]["name"] == "lispy_eval" and first["max_tokens"] == 100
    assert second["max_tokens"] == 80  # one answer may have so many tokens in all
    assert [each["role"] for each in second["messages"]] == ["user", "assistant", "user"]
    assert second["messages"][1]["content"][1] == {
        "type": "tool_use", "id": "toolu_1", "name": "lispy_eval", "input": {"code": "(+ 1 2)"},
    }  # fmt: skip
    assert second["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "result 1"},
        {
            "type": "tool_result", "tool_use_id": "toolu_2", "content": "there is no tool other",
            "is_error": True,
        },
    ]  # fmt: skip


def test_tools_are_used_a_bounded_number_of_times(server: Server) -> None:
    server.answer = Answer([start(), *used("lispy_eval", {}), *stop("tool_use", 1)], headers=SSE)
    tool = Tool()
    found = failure(claude(server), request(tools=(tool,)))
    assert found.failure is Failure.INVALID and "goes on using tools" in found.reason
    assert len(server.asked) == 9 and server.asked[-1].json["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in server.asked[0].json
    server.answer = Answer([start(), *used("lispy_eval", {}), *stop("tool_use", 60)], headers=SSE)
    found = failure(claude(server), request(tools=(tool,)))
    assert found.failure is Failure.TRUNCATED and found.usage.output == 120


def test_a_defect_of_a_tool_is_told_as_what_it_is(server: Server) -> None:
    class Broken(Tool):
        async def call(self, arguments: Mapping[str, Any]) -> str:
            raise ZeroDivisionError

    server.answer = Answer([start(), *used("lispy_eval", {}), *stop("tool_use", 1)], headers=SSE)
    assert isinstance(pour(claude(server), request(tools=(Broken(),))), ZeroDivisionError)


# -- what has to be there


@pytest.fixture
def no_credentials(nobody: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("no_credentials")
def test_without_credentials_nobody_is_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    found = failure(claude(server))
    assert found.failure is Failure.REFUSED and "ANTHROPIC_API_KEY" in found.reason and not server.asked
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Api-Key: of-nobody")
    server.answer = message("{}")
    assert pour(claude(server)).text == "{}"


def test_a_profile_that_is_broken_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "nobody")
    found = failure(claude(server))
    assert found.failure is Failure.REFUSED and "ANTHROPIC_API_KEY" in found.reason and not server.asked
    assert findings(claude(server))[-1][0] == "error"


def test_a_key_that_no_header_can_hold_is_told_and_not_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-of-two\nlines-and-é")
    found = failure(claude(server))
    assert found.failure in (Failure.REFUSED, Failure.UNAVAILABLE, Failure.INVALID) and not server.asked
    assert "canary" not in found.reason


def test_an_address_with_a_password_has_no_place_in_a_policy() -> None:
    with pytest.raises(LisppumpError) as caught:
        Claude(model="m", base_url="https://user:canary@example.com")
    assert "canary" not in caught.value.diagnostic() and "ANTHROPIC_BASE_URL" in str(caught.value.help)


def test_where_the_package_is_absent_it_says_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "anthropic", None)
    found = failure(claude(server))
    assert found.failure is Failure.REFUSED and "pip install 'lisppump[claude]'" in found.reason


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-4-6", 4096), ("claude-opus-4-5-20251101", 4096), ("claude-opus-4-7", 2048),
        ("claude-opus-4-8", 1024), ("claude-sonnet-4-6", 1024), ("claude-opus-5-5", 512), ("other", 1024),
    ],
)  # fmt: skip
def test_from_which_length_on_a_model_caches(model: str, tokens: int) -> None:
    assert caches_from(model) == tokens == Claude(model=model).caches_from


# -- doctor

MODEL = {
    "id": "claude-test", "type": "model", "display_name": "Test", "created_at": "2026-01-01T00:00:00Z",
    "lifecycle": "active",
}  # fmt: skip


def findings(backend: Claude) -> list[tuple[str, str]]:
    found = list(backend.findings())
    assert all(isinstance(each, Finding) and (each.level == "ok" or each.help) for each in found)
    return [(each.level, each.what) for each in found]


def test_doctor_is_told_that_all_is_well(server: Server) -> None:
    server.answer = Answer([json.dumps(MODEL).encode()])
    assert [level for level, _ in findings(claude(server))] == ["ok"] * 3
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", "/v1/models/claude-test")]
    server.answer = Answer([json.dumps({**MODEL, "lifecycle": "deprecated"}).encode()])
    assert findings(claude(server))[-1][0] == "warning"


def test_doctor_is_told_what_is_amiss(server: Server) -> None:
    server.answer = error(401, "authentication_error", "invalid")
    assert findings(claude(server))[-1][0] == "error"
    server.answer = error(404, "not_found_error", "model")
    assert "knows no claude-test" in findings(claude(server))[-1][1]
    server.answer = error(529, "overloaded_error")
    assert findings(claude(server))[-1][0] == "warning"
    assert findings(Claude(model="m", base_url=f"http://127.0.0.1:{closed_port()}"))[-1][0] == "warning"


@pytest.mark.usefixtures("no_credentials")
def test_doctor_is_told_that_there_is_no_key(server: Server) -> None:
    assert findings(claude(server))[-1] == ("error", "no credentials are here") and not server.asked


def test_what_was_asked_was_asked_with_the_key_and_no_more(server: Server) -> None:
    server.answer = message("{}")
    pour(claude(server))

    def of(asked: Asked) -> str:
        return json.dumps(asked.headers)

    assert "test-key-of-nobody" in of(server.asked[0]) and "retry-count" in of(server.asked[0])
    assert b"test-key" not in server.asked[0].body


def test_doctor_waits_for_nobody_for_ever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lisppump.plugins.wire.LOOK", 0.1)
    server.answer = Answer(end="drip")
    assert findings(claude(server))[-1] == ("warning", "no complete answer within 0.2 s")
