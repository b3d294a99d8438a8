"""The backend `ollama`, by the real package against a loopback server: answers, and failures by type."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("ollama")

from lisppump.plugins.backend_ollama import Ollama, seed

from lisppump.calling import BackendError, Failure, Repair, Reply
from lisppump.delta import UNUSED, Usage
from lisppump.errors import LisppumpError
from lisppump.prompt import Prompt
from lisppump.testing import check_backend, check_stage_options, frame_of, request_of
from tests.backends.asking import AGENTS, DELTA, Tool, failure, pour, request
from tests.backends.servers import (
    NDJSON,
    Answer,
    Server,
    closed_port,
    done,
    in_turn,
    line,
    lines,
    wrong,
)


def ollama(server: Server, **options: Any) -> Ollama:
    return Ollama(**{"model": "small:1b", "max_tokens": 100, "context": 1000, "host": server.url, **options})


# -- answers


def test_what_is_asked_and_what_comes_back(server: Server) -> None:
    server.answer = lines('{"lines":', " []}")
    began: list[int] = []
    prompt = Prompt("what all read", "what this room reads")
    given = request(prompt=prompt, began=lambda: began.append(server.open))
    reply = pour(ollama(server), given)
    assert reply == Reply(text='{"lines": []}', usage=Usage(input=50, output=5), model="small:1b")
    assert began == [1]
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/chat")
    assert asked.json == {
        "model": "small:1b",
        "stream": True,
        "truncate": False,
        "shift": False,
        "tools": [],
        "messages": [
            {"role": "system", "content": "what all read"},
            {"role": "user", "content": "what this room reads"},
        ],
        "format": DELTA,
        "options": {"num_ctx": 1000, "num_predict": 100, "seed": seed(given)},
    }


def test_options(server: Server) -> None:
    server.answer = lines("{}")
    pour(ollama(server, temperature=0.25, keep_alive=1800.0, schema="words"))
    asked = server.asked[0].json
    assert asked["options"]["temperature"] == 0.25 and asked["keep_alive"] == 1800
    assert "format" not in asked


def test_seeds_are_what_the_server_can_take_and_differ_by_stream_pass_and_repair() -> None:
    given = [
        request(1), request(2), request(1, seed=("pipe", 2, "act")), request(1, seed=("pipe", 1, "react")),
        request(1, repair=Repair("x", "y")),
    ]  # fmt: skip
    found = [seed(each) for each in given]
    assert len(set(found)) == 5 and all(0 <= each < 2**31 for each in found)
    assert found == [seed(each) for each in given]
    assert seed(request_of(frame_of({}), AGENTS)) == 612040871


def test_the_context_is_the_same_for_all_calls(server: Server) -> None:
    server.answer = lines("{}")
    backend = ollama(server)
    pour(backend, request(), request(2, repair=Repair("x", "y")), request(3, prompt=Prompt("a" * 900, "b")))
    assert {asked.json["options"]["num_ctx"] for asked in server.asked} == {1000}
    assert not getattr(backend, "warms", False)


def test_a_repair_is_asked_for_in_the_same_talk(server: Server) -> None:
    server.answer = lines("{}")
    pour(ollama(server), request(repair=Repair("", "it is empty")))
    said = server.asked[0].json["messages"]
    assert [each["role"] for each in said] == ["system", "user", "assistant", "user"]
    assert said[2]["content"] == "(nothing)" and "it is empty" in said[3]["content"]


def test_a_key_and_a_host_of_the_environment_are_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = lines("{}")
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    monkeypatch.setenv("OLLAMA_API_KEY", "test-key-of-nobody")
    pour(Ollama(model="small:1b"))
    assert server.asked[0].headers["authorization"] == "Bearer test-key-of-nobody"
    assert b"test-key" not in server.asked[0].body


def test_one_client_serves_a_run_and_many_calls_at_once(server: Server) -> None:
    server.answer = lines("{}")
    backend = ollama(server)

    async def run() -> None:
        for _ in range(3):
            await backend.pour(request())
        assert server.most == 1
        await asyncio.gather(*(backend.pour(request(n)) for n in range(120)))  # more than httpx usually lets
        await backend.close()

    asyncio.run(run())
    assert len(server.asked) == 123
    server.wait(lambda: server.open == 0)
    asyncio.run(run_once(backend))
    assert len(server.asked) == 124


async def run_once(backend: Ollama) -> None:
    await backend.pour(request())
    await backend.close()


def test_the_contracts(server: Server) -> None:
    server.answer = lines("{}")
    assert isinstance(check_backend(ollama(server), request()), Reply)
    server.answer = wrong(500)
    assert isinstance(check_backend(ollama(server), request()), BackendError)
    check_stage_options(Ollama, '(ollama (model "llama3.2:3b") (keep-alive (minutes 30)) (temperature 0.5))')


# -- tools


def use(name: str = "lispy_eval", **arguments: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}}


def test_a_model_may_use_tools_before_it_answers(server: Server) -> None:
    wants = [use(code="(+ 1 2)"), use("other")]
    server.answer = in_turn(
        Answer([line("let me"), line(tool_calls=wants), done(output=20)], headers=NDJSON),
        lines("{}", output=9),
    )
    tool, began = Tool(), []
    reply = pour(ollama(server), request(tools=(tool,), began=lambda: began.append(1)))
    assert (reply.text, reply.usage) == ("{}", Usage(input=100, output=29))
    assert tool.used == [{"code": "(+ 1 2)"}] and began == [1]
    first, second = (asked.json for asked in server.asked)
    assert first["tools"][0]["function"]["name"] == "lispy_eval" and "format" not in first
    assert second["options"]["num_predict"] == 80
    assert second["messages"][2:] == [
        {"role": "assistant", "content": "let me", "tool_calls": wants},
        {"role": "tool", "content": "result 1", "tool_name": "lispy_eval"},
        {"role": "tool", "content": "there is no tool other", "tool_name": "other"},
    ]


def test_tools_are_used_a_bounded_number_of_times_and_then_it_has_to_answer(server: Server) -> None:
    server.answer = Answer([line("{}", tool_calls=[use()]), done(output=1)], headers=NDJSON)
    assert pour(ollama(server), request(tools=(Tool(),))).text == "{}"
    assert len(server.asked) == 9
    assert "format" in server.asked[-1].json and not server.asked[-1].json["tools"]
    server.answer = Answer([line(tool_calls=[use()]), done(output=60)], headers=NDJSON)
    found = failure(ollama(server), request(tools=(Tool(),)))
    assert found.failure is Failure.TRUNCATED and found.usage.output == 120


def test_a_repair_uses_no_tools(server: Server) -> None:
    server.answer = lines("{}")
    pour(ollama(server), request(tools=(Tool(),), repair=Repair("x", "y")))
    assert not server.asked[0].json["tools"] and "format" in server.asked[0].json


# -- failures

LONG = "the prompt is longer than the context length currently available to the model"
STATUSES = {
    "no key": (wrong(401, "unauthorized"), "refused", "OLLAMA_API_KEY"),
    "forbidden": (wrong(403, "no"), "refused", "403"),
    "no model": (wrong(404, "model 'small:1b' not found"), "refused", "`ollama pull small:1b`"),
    "too long": (wrong(400, LONG), "refused", "(context 1000)"),
    "no tools": (wrong(400, "small:1b does not support tools"), "refused", "does not support tools"),
    "too large": (wrong(413), "refused", "413"),
    "asked too often": (wrong(429, "slow down"), "throttled", "asks to wait"),
    "queue full": (wrong(503, "server busy, please try again"), "throttled", "server busy"),
    "broken": (wrong(500, "llama runner process has terminated"), "unavailable", "has terminated"),
    "bad gateway": (Answer([b"<html>bad</html>"], 502), "unavailable", "bad"),
    "nothing said": (Answer(status=500), "unavailable", "500"),
    "a list": (Answer([b"[]"], 500), "unavailable", "does not say why"),
    "an odd error": (Answer([b'{"error": {"a": [1]}}'], 429), "throttled", "429"),
}


@pytest.mark.parametrize("name", STATUSES)
def test_each_status_is_one_failure_and_asked_for_once(server: Server, name: str) -> None:
    server.answer, kind, words = STATUSES[name]
    found = failure(ollama(server))
    assert (found.failure.value, len(server.asked)) == (kind, 1), found.reason
    assert words in found.reason and "\n" not in found.reason
    assert found.usage is UNUSED and found.text is None and found.model == "small:1b"


def test_how_long_the_server_asks_to_wait(server: Server) -> None:
    for status in (429, 503):
        server.answer = wrong(status, "busy", **{"retry-after": "7"})
        assert failure(ollama(server)).retry_after == 7.0
    server.answer = wrong(429)
    assert failure(ollama(server)).retry_after is None


STREAMS = {
    "failed within": ([line("{"), b'{"error": "an error was encountered while running"}\n'], "unavailable"),
    "ended early": ([line("{")], "unavailable"),
    "no JSON": ([line("{"), b"{nonsense\n"], "invalid"),
    "an empty line": ([line("{"), b"\n", done()], "invalid"),
    "a number": ([line("{"), b"5\n"], "invalid"),
    "no UTF-8": ([line("{"), b'"\xff\xfe"\n'], "invalid"),
    "no message": ([line("{"), b'{"done": true}\n'], "invalid"),
    "fields of other kinds": ([line("{"), b'{"message": 5, "done": "x"}\n'], "invalid"),
    "odd reason": ([line("{"), done("unload")], "invalid"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_what_goes_wrong_in_a_stream_keeps_what_had_come(server: Server, name: str) -> None:
    pieces, kind = STREAMS[name]
    server.answer = Answer(pieces, headers=NDJSON)
    found = failure(ollama(server))
    assert (found.failure.value, found.text, found.model) == (kind, "{", "small:1b"), found.reason


NONSENSE = {
    "a page": Answer([b"<html>welcome to our hotel</html>"], headers={"content-type": "text/html"}),
    "JSON": Answer([b'{"ok": true}']),
    "not packed": Answer([b"not gzip"], headers={"content-encoding": "gzip"}),
    "round in circles": Answer(status=307, headers={"location": "/api/chat"}),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_what_is_no_answer_at_all_is_invalid(server: Server, name: str) -> None:
    server.answer = NONSENSE[name]
    found = failure(ollama(server))
    assert found.failure is Failure.INVALID and found.reason and found.usage is UNUSED


def test_an_answer_without_a_line_ended_too_early(server: Server) -> None:
    server.answer = Answer(headers=NDJSON)
    assert failure(ollama(server)).failure is Failure.UNAVAILABLE


def test_a_cut_off_answer_says_so(server: Server) -> None:
    server.answer = lines('{"lines": [{"a', reason="length")
    reply = pour(ollama(server))
    assert (reply.stop, reply.text) == ("truncated", '{"lines": [{"a')
    assert "(max-tokens 100)" in reply.reason
    server.answer = lines("", reason="length")
    assert failure(ollama(server)).failure is Failure.TRUNCATED


@pytest.mark.parametrize(
    ("read", "size", "cut"),
    [
        (1000, 100, True), (1004, 9000, True), (502, 9000, True), (498, 2600, True), (502, 1500, False),
        (520, 9000, False), (700, 2600, False), (0, 9000, False), (50, 9000, False),
    ],
)  # fmt: skip
def test_a_prompt_that_was_cut_without_a_word_is_found_out(
    server: Server, read: int, size: int, cut: bool
) -> None:
    server.answer = lines("{}", prompt=read)
    found = pour(ollama(server), request(prompt=Prompt("a" * (size // 2), "b" * (size - size // 2))))
    if cut:
        assert isinstance(found, BackendError) and found.failure is Failure.REFUSED
        assert f"cut the prompt to {read} of its tokens" in found.reason and "(context 1000)" in found.reason
        assert found.usage.input == read
    else:
        assert isinstance(found, Reply)


@pytest.mark.parametrize("end", ["cut", "reset"])
@pytest.mark.parametrize("bytes_sent", [0, 1, 40, 200])
def test_a_connection_that_breaks_anywhere_is_unavailable(server: Server, end: str, bytes_sent: int) -> None:
    whole = b"".join([line("{}"), done()])
    server.answer = Answer([whole[:bytes_sent]] if bytes_sent else [], headers=NDJSON, end=end)
    found = failure(ollama(server))
    assert found.failure is Failure.UNAVAILABLE, found.reason


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n"])
def test_what_is_no_http_is_unavailable(server: Server, raw: bytes) -> None:
    server.answer = Answer(raw=raw)
    assert failure(ollama(server)).failure is Failure.UNAVAILABLE


def test_nobody_listens(nobody: None) -> None:
    found = failure(Ollama(model="m", host=f"127.0.0.1:{closed_port()}"))
    assert found.failure is Failure.UNAVAILABLE and "`ollama serve`" in found.reason


def test_a_server_that_stops_in_its_answer_is_left_after_the_time_it_may_be_silent(server: Server) -> None:
    server.answer = Answer([line("{")], headers=NDJSON, end="hang")
    found = failure(ollama(server, silence=0.2))
    assert found.failure is Failure.TIMED_OUT and found.text == "{" and "stopped" in found.reason
    server.wait(lambda: server.open == 0)


@pytest.mark.parametrize(("pieces", "end"), [([], "hang"), ([line("{")], "hang"), ([], "drip")])
def test_what_takes_too_long_ends_with_the_whole_time(server: Server, pieces: list[bytes], end: str) -> None:
    server.answer = Answer(pieces, headers=NDJSON, end=end, drip=line("x"))
    found = failure(ollama(server), request(deadline=0.3))
    assert found.failure is Failure.TIMED_OUT and "within 0.3 s" in found.reason
    assert set(found.text or "") == ({"x"} if end == "drip" else {"{"} if pieces else set())
    server.wait(lambda: server.open == 0)


@pytest.mark.parametrize("pieces", [[], [line("{")]])
def test_a_cancelled_call_closes_its_connection_at_once(server: Server, pieces: list[bytes]) -> None:
    server.answer = Answer(pieces, headers=NDJSON, end="hang")
    backend = ollama(server)

    async def cancelled() -> None:
        calls = [asyncio.ensure_future(backend.pour(request(n))) for n in range(5)]
        await asyncio.to_thread(server.wait, lambda: len(server.asked) == 5)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)
        await asyncio.to_thread(server.wait, lambda: server.open == 0)  # before it is closed
        await backend.close()

    asyncio.run(cancelled())
    assert server.most == 5


def test_an_address_with_a_password_has_no_place_in_a_policy() -> None:
    with pytest.raises(LisppumpError) as caught:
        Ollama(model="m", host="https://user:canary@example.com")
    assert "canary" not in caught.value.diagnostic() and "OLLAMA_HOST" in str(caught.value.help)


def test_where_the_package_is_absent_it_says_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ollama", None)
    found = failure(ollama(server))
    assert found.failure is Failure.REFUSED and "pip install 'lisppump[ollama]'" in found.reason


# -- doctor


def findings(backend: Ollama) -> list[tuple[str, str]]:
    found = list(backend.findings())
    assert all(each.level == "ok" or each.help for each in found)
    return [(each.level, each.what) for each in found]


def test_doctor_is_told_whether_the_model_is_there(server: Server) -> None:
    models = {"models": [{"model": "small:1b", "size": 5}, {"model": "other:latest"}]}
    server.answer = Answer([json.dumps(models).encode()])
    assert findings(ollama(server))[-1] == ("ok", "the server answers, and has small:1b")
    assert findings(ollama(server, model="other"))[-1][0] == "ok"
    found = list(ollama(server, model="absent").findings())[-1]
    assert found.level == "error" and found.help == "ollama pull absent"
    assert found.what == "the server has no absent; it has other:latest, small:1b"
    assert {(asked.method, asked.path) for asked in server.asked} == {("GET", "/api/tags")}


def test_doctor_is_told_that_no_server_is_there(server: Server) -> None:
    host = f"127.0.0.1:{closed_port()}"
    assert findings(Ollama(model="m", host=host))[-1][0] == "error"
    server.answer = Answer([b"<html>"])
    assert findings(ollama(server))[-1][0] == "error"


def test_doctor_waits_for_nobody_for_ever(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lisppump.plugins.wire.LOOK", 0.1)
    server.answer = Answer(end="drip")
    assert findings(ollama(server))[-1] == ("warning", "no complete answer within 0.2 s")
