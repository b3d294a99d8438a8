"""The backend `claude`, by the real package against a loopback server: answers, and failures by type."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")

from lisppump.plugins.backend_claude import Claude, caches_from

from lisppump.calling import BackendError, Failure, Repair, Reply, Request
from lisppump.delta import Collection, Field, Schema, Usage
from lisppump.errors import LisppumpError
from lisppump.prompt import Prompt
from lisppump.stages import Finding
from lisppump.testing import check_backend, check_stage_options, frame_of, people, request_of
from tests.backends.servers import (
    SSE,
    Answer,
    Asked,
    Server,
    closed_port,
    error,
    event,
    in_turn,
    message,
    said,
    start,
    stop,
    used,
)

AGENTS = people("ann", "bob")
LINES = Schema((Collection("lines", (Field("agent", "agent"), Field("text", "string"))),))


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that opens nothing, no profile of whoever runs the tests, and no proxy."""
    for name in (
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_CUSTOM_HEADERS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-nobody")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path / "anthropic"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def claude(server: Server, **options: Any) -> Claude:
    return Claude(**{"model": "claude-test", "max_tokens": 100, "base_url": server.url, **options})


def request(**more: Any) -> Request:
    given = {"schema": LINES, "deadline": 10.0, **more}
    return request_of(frame_of({}), AGENTS, **given)


def pour(backend: Any, *requests: Request) -> Any:
    """The replies, or the failures, of rooms asked side by side; the backend is closed as at a run's end."""

    async def all_of_them() -> list[Any]:
        try:
            return await asyncio.gather(*map(backend.pour, requests or (request(),)), return_exceptions=True)
        finally:
            await backend.close()

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        found = asyncio.run(all_of_them())
        gc.collect()
    return found if len(requests) > 1 else found[0]


def failure(backend: Any, given: Request | None = None) -> BackendError:
    found = pour(backend, given or request())
    assert isinstance(found, BackendError), found
    return found


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
                "schema": {
                    "type": "object",
                    "properties": {
                        "lines": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "agent": {"type": "string", "description": "the id of an agent"},
                                    "text": {"type": "string"},
                                },
                                "required": ["agent", "text"],
                                "additionalProperties": False,
                            },
                        }
                    },
                    "additionalProperties": False,
                },
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


@dataclass
class Adder:
    name: str = "lispy_eval"
    doc: str = "Adds."
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    used: list[Any] = field(default_factory=list)

    async def call(self, arguments: Mapping[str, Any]) -> str:
        self.used.append(dict(arguments))
        return f"result {len(self.used)}"


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
    adder, began = Adder(), []
    reply = pour(claude(server), request(tools=(adder,), began=lambda: began.append(1)))
    assert (reply.text, reply.usage.output, reply.usage.input) == ("{}", 29, 14)
    assert adder.used == [{"code": "(+ 1 2)"}] and began == [1]
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
    adder = Adder()
    found = failure(claude(server), request(tools=(adder,)))
    assert found.failure is Failure.INVALID and "goes on using tools" in found.reason
    assert len(server.asked) == 9 and server.asked[-1].json["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in server.asked[0].json
    server.answer = Answer([start(), *used("lispy_eval", {}), *stop("tool_use", 60)], headers=SSE)
    found = failure(claude(server), request(tools=(adder,)))
    assert found.failure is Failure.TRUNCATED and found.usage.output == 120


def test_a_defect_of_a_tool_is_told_as_what_it_is(server: Server) -> None:
    class Broken(Adder):
        async def call(self, arguments: Mapping[str, Any]) -> str:
            raise ZeroDivisionError

    server.answer = Answer([start(), *used("lispy_eval", {}), *stop("tool_use", 1)], headers=SSE)
    assert isinstance(pour(claude(server), request(tools=(Broken(),))), ZeroDivisionError)


# -- failures


STATUSES = {
    "wrong key": (
        error(401, "authentication_error", "invalid x-api-key"),
        "refused",
        "does not take the key",
    ),
    "no money": (error(402, "billing_error", "no credit"), "refused", "no credit"),
    "forbidden": (error(403, "permission_error", "not allowed"), "refused", "not allowed"),
    "no such model": (error(404, "not_found_error", "model: x"), "refused", "knows no claude-test"),
    "too long": (error(400, "invalid_request_error", "prompt is too long"), "refused", "prompt is too long"),
    "too large": (error(413, "request_too_large", "too large"), "refused", "too large"),
    "rate limit": (error(429, "rate_limit_error", "slow down"), "throttled", "asks to wait"),
    "conflict": (error(409, "conflict_error", "again"), "unavailable", "fails"),
    "broken": (error(500, "api_error", "oops"), "unavailable", "oops"),
    "bad gateway": (Answer([b"<html>bad gateway</html>"], 502), "unavailable", "bad gateway"),
    "no content": (Answer(status=503), "unavailable", "503"),
    "late": (error(504, "timeout_error", "late"), "unavailable", "late"),
    "overloaded": (error(529, "overloaded_error", "Overloaded"), "throttled", "Overloaded"),
    "moved": (Answer(status=304), "invalid", ""),
}


@pytest.mark.parametrize("name", STATUSES)
def test_each_status_is_one_failure_and_asked_for_once(server: Server, name: str) -> None:
    server.answer, kind, words = STATUSES[name]
    found = failure(claude(server))
    assert (found.failure.value, len(server.asked)) == (kind, 1), found.reason
    assert words in found.reason and "\n" not in found.reason
    assert found.usage == Usage() and found.model == "claude-test" and found.text is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_how_long_the_server_asks_to_wait(
    server: Server, headers: dict[str, str], seconds: float | None
) -> None:
    server.answer = error(429, "rate_limit_error", **headers)
    assert failure(claude(server)).retry_after == seconds


BEGUN = [start(), *said('{"lines": [')[:2]]
STREAMS = {
    "overloaded within": ([*BEGUN, event("error", error={"type": "overloaded_error"})], "throttled"),
    "broken within": ([*BEGUN, event("error", error={"type": "api_error", "message": "x"})], "unavailable"),
    "an odd error within": ([*BEGUN, b"event: error\ndata: nonsense\n\n"], "unavailable"),
    "ended early": (BEGUN, "unavailable"),
    "refused": ([*BEGUN, *stop("refusal", stop_details={"type": "refusal", "category": "bio"})], "refused"),
    "odd reason": ([*BEGUN, *stop("boredom")], "invalid"),
    "paused": ([*BEGUN, *stop("pause_turn")], "invalid"),
    "no JSON": ([*BEGUN, b"event: content_block_delta\ndata: {nonsense\n\n"], "invalid"),
    "a number": ([*BEGUN, b"event: content_block_delta\ndata: 5\n\n"], "invalid"),
    "no UTF-8": ([*BEGUN, b"event: content_block_delta\ndata: \xff\xfe\n\n"], "invalid"),
    "a block that never began": ([*BEGUN, *said("x", index=7)[1:]], "invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_what_goes_wrong_in_a_stream_keeps_what_had_come(server: Server, name: str) -> None:
    pieces, kind = STREAMS[name]
    server.answer = Answer(pieces, headers=SSE)
    found = failure(claude(server))
    assert (found.failure.value, found.text, found.model) == (kind, '{"lines": [', "claude-test-1"), (
        found.reason
    )
    assert found.usage.input == 7 and found.usage.dollars is None


NONSENSE = {
    "nothing": Answer(headers=SSE),
    "a page": Answer([b"<html>welcome to our hotel</html>"], headers={"content-type": "text/html"}),
    "JSON": Answer([b'{"ok": true}']),
    "out of order": Answer([*said("x"), *stop()], headers=SSE),
    "a message that is none": Answer([event("message_start")], headers=SSE),
    "null": Answer([b"event: message_start\ndata: null\n\n"], headers=SSE),
    "not packed": Answer([b"not gzip"], headers={**SSE, "content-encoding": "gzip"}),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_no_answer_at_all_is_invalid(server: Server, name: str) -> None:
    server.answer = NONSENSE[name]
    found = failure(claude(server))
    assert found.failure is Failure.INVALID and found.reason and found.usage == Usage()


@pytest.mark.parametrize(
    ("reason", "words"), [("max_tokens", "(max-tokens 100)"), ("model_context_window_exceeded", "context")]
)
def test_a_cut_off_answer_says_so(server: Server, reason: str, words: str) -> None:
    server.answer = message('{"lines": [{"a', reason=reason)
    reply = pour(claude(server))
    assert (reply.stop, reply.text) == ("truncated", '{"lines": [{"a') and words in reply.reason
    server.answer = message("", reason=reason)
    found = failure(claude(server))
    assert found.failure is Failure.TRUNCATED and found.usage.input == 7


@pytest.mark.parametrize("end", ["cut", "reset"])
@pytest.mark.parametrize("bytes_sent", [0, 1, 40, 400, 700])
def test_a_connection_that_breaks_anywhere_is_unavailable(server: Server, end: str, bytes_sent: int) -> None:
    whole = b"".join([start(), *said("{}"), *stop()])
    server.answer = Answer([whole[:bytes_sent]] if bytes_sent else [], headers=SSE, end=end)
    found = failure(claude(server))
    assert found.failure is Failure.UNAVAILABLE, found.reason


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n"])
def test_what_is_no_http_is_unavailable(server: Server, raw: bytes) -> None:
    server.answer = Answer(raw=raw)
    assert failure(claude(server)).failure is Failure.UNAVAILABLE


def test_nobody_listens() -> None:
    found = failure(Claude(model="m", base_url=f"http://127.0.0.1:{closed_port()}"))
    assert found.failure is Failure.UNAVAILABLE and "cannot be reached" in found.reason


@pytest.mark.parametrize("pieces", [[], BEGUN])
def test_a_silent_server_is_left_after_the_time_it_may_be_silent(server: Server, pieces: list[bytes]) -> None:
    server.answer = Answer(pieces, headers=SSE, end="hang")
    found = failure(claude(server, silence=0.2))
    assert found.failure is Failure.TIMED_OUT and len(server.asked) == 1
    server.wait(lambda: server.open == 0)


@pytest.mark.parametrize("pieces", [[], BEGUN])
def test_a_slow_drip_ends_with_the_whole_time(server: Server, pieces: list[bytes]) -> None:
    server.answer = Answer(pieces, headers=SSE, end="drip")
    found = failure(claude(server), request(deadline=0.3))
    assert found.failure is Failure.TIMED_OUT and "within 0.3 s" in found.reason
    assert found.text == ('{"lines": [' if pieces else None)
    server.wait(lambda: server.open == 0)


@pytest.mark.parametrize("pieces", [[], BEGUN])
def test_a_cancelled_call_closes_its_connection_at_once(server: Server, pieces: list[bytes]) -> None:
    server.answer = Answer(pieces, headers=SSE, end="hang")
    backend = claude(server)

    async def cancelled() -> None:
        calls = [asyncio.ensure_future(backend.pour(request())) for _ in range(5)]
        await asyncio.to_thread(server.wait, lambda: len(server.asked) == 5)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)
        await asyncio.to_thread(server.wait, lambda: server.open == 0)  # before it is closed
        await backend.close()

    asyncio.run(cancelled())
    assert server.most == 5


# -- what has to be there


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
