"""What goes wrong between the backend `claude` and a server: each failure by its type, nothing left open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("anthropic")

from lisppump.plugins.backend_claude import Claude

from lisppump.calling import Failure
from lisppump.delta import UNUSED
from tests.backends.asking import failure, pour, request
from tests.backends.servers import SSE, Answer, Server, closed_port, error, event, message, said, start, stop


def claude(server: Server, **options: Any) -> Claude:
    return Claude(**{"model": "claude-test", "max_tokens": 100, "base_url": server.url, **options})


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
    assert found.usage is UNUSED and found.model == "claude-test" and found.text is None


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
    if name != "refused":  # it was never told what the answer took: what came is counted
        assert (found.usage.output, found.usage.assumed) == (3, True) or name in ("odd reason", "paused")


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
    assert found.failure is Failure.INVALID and found.reason and found.usage is UNUSED


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


def test_nobody_listens(nobody: None) -> None:
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
