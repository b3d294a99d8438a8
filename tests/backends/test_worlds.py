"""Worlds whose rooms are asked of a server that fails in one: its status, the others' lines, the exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("ollama")

from tests.backends import servers as wire
from tests.backends.servers import Answer, Asked, Server
from tests.backends.worlds import NAMES, frame, spoken, world
from tests.conftest import ROOT

CLAUDE = '(claude (model "claude-test") (max-tokens 100) (silence (seconds 2)))'
OLLAMA = '(ollama (model "small:1b") (context 8000) (max-tokens 100) (silence (seconds 2)))'


@pytest.fixture(autouse=True)
def addresses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("OLLAMA_HOST", server.url)


def for_ann(bad: Answer, well: Callable[[str], Answer]) -> wire.Script:
    """The bad answer in ann's room, a good one in all others."""

    def answer(asked: Asked) -> Answer:
        (name,) = wire.rooms(asked, NAMES)
        return bad if name == "ann" else well(spoken(name))

    return answer


def well_by_claude(text: str) -> Answer:
    return wire.message(text)


def well_by_ollama(text: str) -> Answer:
    return wire.lines(text)


CUT = '{"lines": [{"agent": "ann", "text": "I am ann"}, {"agent": "ann", "te'
LATER = {"retry-after": "600"}  # longer than the deadline: nobody waits for that
CLAUDES: dict[str, tuple[Answer, str, str]] = {
    "well": (wire.message(spoken("ann")), "ok", ""),
    "nothing to do": (wire.message("{}"), "empty", ""),
    "overloaded": (wire.error(529, "overloaded_error", "Overloaded", **LATER), "throttled", "Overloaded"),
    "rate limit": (wire.error(429, "rate_limit_error", **LATER), "throttled", "429"),
    "broken": (wire.error(500, "api_error", "oops"), "failed", "oops"),
    "wrong key": (wire.error(401, "authentication_error", "invalid"), "failed", "does not take the key"),
    "too long": (wire.error(400, "invalid_request_error", "prompt is too long"), "failed", "too long"),
    "declined": (Answer([wire.start(), *wire.stop("refusal")], headers=wire.SSE), "failed", "declines"),
    "garbage": (Answer([b"<html>"], headers={"content-type": "text/html"}), "invalid", "no answer"),
    "prose": (wire.message("I would rather talk."), "invalid", "JSON object"),
    "cut off": (wire.message(CUT, reason="max_tokens"), "ok", "cut off"),
    "cut before a word": (wire.message("", reason="max_tokens"), "invalid", "before it said anything"),
    "disconnected": (Answer([wire.start()], headers=wire.SSE, end="reset"), "failed", "cut"),
    "silent": (Answer([wire.start()], headers=wire.SSE, end="hang"), "timed-out", "stopped"),
}
OLLAMAS: dict[str, tuple[Answer, str, str]] = {
    "well": (wire.lines(spoken("ann")), "ok", ""),
    "queue full": (wire.wrong(503, "server busy", **LATER), "throttled", "server busy"),
    "no model": (wire.wrong(404, "not found"), "failed", "ollama pull small:1b"),
    "too long": (wire.wrong(400, "longer than the context length"), "failed", "(context 8000)"),
    "cut by the server": (wire.lines(spoken("ann"), prompt=8000), "failed", "cut the prompt"),
    "garbage": (Answer([b"{nonsense\n"]), "invalid", "cannot be read"),
    "cut off": (wire.lines(CUT, reason="length"), "ok", "cut off"),
    "disconnected": (Answer([wire.line("{")], headers=wire.NDJSON, end="cut"), "failed", "cut"),
    "ended early": (Answer([wire.line("{")], headers=wire.NDJSON), "failed", "before it was complete"),
    "silent": (Answer([wire.line("{")], headers=wire.NDJSON, end="hang"), "timed-out", "stopped"),
}
CASES = [
    *(("claude", name) for name in CLAUDES),
    *(("ollama", name) for name in OLLAMAS),
]


@pytest.mark.parametrize(("backend", "case"), CASES)
def test_one_room_fails_and_the_others_merge(tmp_path: Path, server: Server, backend: str, case: str) -> None:
    bad, status, words = (CLAUDES if backend == "claude" else OLLAMAS)[case]
    server.answer = for_ann(bad, well_by_claude if backend == "claude" else well_by_ollama)
    made = world(tmp_path / "world", CLAUDE if backend == "claude" else OLLAMA)
    outcome, streams = frame(made)
    assert outcome.code == 0, outcome.err
    mine = streams.pop("ann")
    assert mine["status"] == status, mine
    told = " ".join([mine["reason"] or "", *(attempt["reason"] or "" for attempt in mine["attempts"])])
    assert words in told
    assert {stream["status"] for stream in streams.values()} == {"ok"}
    lines = made.read("lines.jsonl")
    assert {line["agent"] for line in lines} == ({*NAMES} if status == "ok" else {*NAMES} - {"ann"})
    server.wait(lambda: server.open == 0)  # whatever became of it, nothing stays open
    assert made.lisppump("replay", "--json").json["equal"] is True


@pytest.mark.parametrize("backend", ["claude", "ollama"])
def test_who_is_asked_to_wait_asks_again(tmp_path: Path, server: Server, backend: str) -> None:
    wait = {"retry-after": "0.05"}
    bad = wire.error(429, "rate_limit_error", **wait) if backend == "claude" else wire.wrong(503, **wait)
    well = well_by_claude if backend == "claude" else well_by_ollama
    mine = wire.in_turn(bad, well(spoken("ann")))

    def answer(asked: Asked) -> Answer:
        (name,) = wire.rooms(asked, NAMES)
        return mine(asked) if name == "ann" else well(spoken(name))

    server.answer = answer
    outcome, streams = frame(world(tmp_path / "world", CLAUDE if backend == "claude" else OLLAMA))
    assert outcome.code == 0 and {stream["status"] for stream in streams.values()} == {"ok"}
    assert [attempt["status"] for attempt in streams["ann"]["attempts"]] == ["throttled", "ok"]
    assert len(server.asked) == 7


@pytest.mark.parametrize("backend", ["claude", "ollama"])
def test_a_model_thinks_with_the_language_of_the_world(tmp_path: Path, server: Server, backend: str) -> None:
    """It uses `lispy_eval` once, in each room, and says what it was told; made again, nobody is asked."""
    use = {"source": "(length (keys (get-in frame '(agents agents))))"}

    def answer(asked: Asked) -> Answer:
        (name,) = wire.rooms(asked, NAMES)
        said = asked.json["messages"]
        if backend == "claude":
            if len(said) == 1:
                return Answer(
                    [wire.start(), *wire.used("lispy_eval", use), *wire.stop("tool_use")], headers=wire.SSE
                )
            told = said[-1]["content"][0]["content"]
        else:
            if said[-1]["role"] == "user":
                wants = [{"function": {"name": "lispy_eval", "arguments": use}}]
                return Answer([wire.line(tool_calls=wants), wire.done()], headers=wire.NDJSON)
            told = said[-1]["content"]
        text = json.dumps({"lines": [{"agent": name, "text": told}]})
        return wire.message(text) if backend == "claude" else wire.lines(text)

    server.answer = answer
    made = world(
        tmp_path / "world",
        CLAUDE if backend == "claude" else OLLAMA,
        pipe="(deadline (seconds 60)) (tools lispy_eval)",
    )
    outcome, streams = frame(made)
    assert outcome.code == 0 and {stream["status"] for stream in streams.values()} == {"ok"}, streams
    assert {json.loads(line["text"])["value"] for line in made.read("lines.jsonl")} == {6}
    assert streams["ann"]["usage"]["output"] == 10
    asked = len(server.asked)
    assert asked == 12 and made.lisppump("replay", "--json").json["equal"] is True
    assert len(server.asked) == asked


def test_the_shared_part_is_the_same_bytes_for_all_rooms_and_the_usage_is_told(
    tmp_path: Path, server: Server
) -> None:
    def answer(asked: Asked) -> Answer:
        (name,) = wire.rooms(asked, NAMES)
        return wire.message(spoken(name), cache_read_input_tokens=300, cache_creation_input_tokens=20)

    server.answer = answer
    _, streams = frame(world(tmp_path / "world", CLAUDE))
    assert len({json.dumps(asked.json["system"]) for asked in server.asked}) == 1
    usage = streams["bob"]["usage"]
    assert {name: usage[name] for name in ("input", "cache_read", "cache_write", "output")} == {
        "input": 7, "cache_read": 300, "cache_write": 20, "output": 5,
    }  # fmt: skip
    assert streams["bob"]["model"] == "claude-test-1"


def test_the_first_room_warms_the_cache_and_the_others_follow_at_its_first_byte(
    tmp_path: Path, server: Server
) -> None:
    """The leader's answer begins while nobody else has asked, and ends when all have."""
    alone: list[int] = []

    def others_wait() -> bool:
        alone.append(len(server.asked))
        return True

    def answer(asked: Asked) -> Answer:
        (name,) = wire.rooms(asked, NAMES)
        if len(server.asked) > 1:
            return wire.message(spoken(name), cache_read_input_tokens=300)
        pieces = [others_wait, wire.start(cache_creation_input_tokens=300), lambda: len(server.asked) == 6]
        return Answer([*pieces, *wire.said(spoken(name)), *wire.stop()], headers=wire.SSE)

    server.answer = answer
    outcome, streams = frame(world(tmp_path / "world", CLAUDE, pipe="(deadline (minutes 10))"))
    assert outcome.code == 0 and {stream["status"] for stream in streams.values()} == {"ok"}
    assert alone == [1]
    usage = [stream["usage"] for stream in streams.values()]
    assert sorted(one["cache_write"] for one in usage) == [0, 0, 0, 0, 0, 300]
    assert sum(one["cache_read"] for one in usage) == 1500


@pytest.mark.parametrize("backend", [CLAUDE, OLLAMA], ids=["claude", "ollama"])
def test_a_run_in_a_process_of_its_own_ends_without_a_warning(
    tmp_path: Path, server: Server, backend: str
) -> None:
    well = well_by_claude if backend == CLAUDE else well_by_ollama
    server.answer = lambda asked: well(spoken(wire.rooms(asked, NAMES)[0]))
    made = world(tmp_path / "world", backend)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "lisppump", "-C", str(made.folder), "run", "--frames", "2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    own = [line for line in done.stderr.splitlines() if "Warning" in line or "never" in line]
    assert not own, done.stderr
    assert server.most <= 6  # the second frame goes over the connections of the first


def test_a_run_that_nobody_answers_is_stopped_by_its_breaker(tmp_path: Path, server: Server) -> None:
    server.answer = wire.error(401, "authentication_error", "invalid")
    outcome = world(tmp_path / "world", CLAUDE).lisppump("run", "--frames", "5")
    assert outcome.code == 6 and "breaker" in outcome.err


def test_a_slow_room_does_not_hold_up_the_others(tmp_path: Path, server: Server) -> None:
    def answer(asked: Asked) -> Answer:
        (name,) = wire.rooms(asked, NAMES)
        if name == "ann":
            return Answer([wire.start()], headers=wire.SSE, end="drip")
        return wire.message(spoken(name))

    server.answer = answer
    made = world(tmp_path / "world", CLAUDE, pipe="(deadline (seconds 3))")
    outcome, streams = frame(made)
    assert outcome.code == 0 and streams["ann"]["status"] == "timed-out"
    assert all(streams[name]["status"] == "ok" for name in NAMES[1:])
    server.wait(lambda: server.open == 0)


def test_doctor_looks_at_both(tmp_path: Path, server: Server) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path == "/api/tags":
            return Answer([b'{"models": []}'])
        return wire.error(401, "authentication_error", f"the key {asked.headers} is wrong")

    server.answer = answer
    made = world(tmp_path / "world", f"{CLAUDE}) (other {OLLAMA}", pipe="other")
    outcome = made.lisppump("doctor", "--json")
    found = [each for each in outcome.json["findings"] if each["topic"] == "backends"]
    assert outcome.code == 1
    levels: dict[str, Any] = {each["what"]: each["level"] for each in found}
    assert any("has no small:1b" in what and level == "error" for what, level in levels.items())
    assert any("does not take the key" in what and level == "error" for what, level in levels.items())
    assert "test-key-of-nobody" not in outcome.out + outcome.err
