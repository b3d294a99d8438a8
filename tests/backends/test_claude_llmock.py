"""The backend `claude` against llmock, a server that nobody here wrote: one room of six meets a fault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("llmock")

from tests.backends.worlds import frame, world

if TYPE_CHECKING:
    from llmock.pytest_plugin import LLMock

CLAUDE = '(claude (model "claude-opus-4-6") (max-tokens 100) (silence (seconds 2)) (cache none))'
NOTE = '{"notes": [{"text": "well"}]}'
FAULTS = {
    "well": (lambda llmock: llmock, "ok", ""),
    "429": (lambda llmock: llmock.rate_limit(retry_after=600), "throttled", "429"),
    "529": (lambda llmock: llmock.fail(529, retry_after=600), "throttled", "529"),
    "500": (lambda llmock: llmock.fail(500), "failed", "500"),
    "503": (lambda llmock: llmock.fail(503, retry_after=600), "throttled", "503"),
    "401": (lambda llmock: llmock.fail(401), "failed", "does not take the key"),
    "404": (lambda llmock: llmock.fail(404), "failed", "knows no claude-opus-4-6"),
    "prompt too long": (lambda llmock: llmock.context_overflow(), "failed", "maximum context length"),
    "disconnect": (lambda llmock: llmock.disconnect(after_chunks=1), "failed", "cut"),
    "truncated": (lambda llmock: llmock.truncate(after_chunks=4), "failed", "before it was complete"),
    "malformed": (
        lambda llmock: llmock.corrupt(after_chunks=2),
        "ok",
        "",
    ),  # it has no name, and the SDK skips it
    "stalled": (lambda llmock: llmock.stall(after_chunks=2, seconds=60), "timed-out", "stopped"),
    "late": (lambda llmock: llmock.slow_first_token(60), "timed-out", "s"),
}


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, llmock: LLMock) -> None:
    """The server's own fixture sets key and address; nothing else of whoever runs the tests is used."""
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path / "anthropic"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("fault", FAULTS)
def test_one_room_of_six_meets_a_fault(tmp_path: Path, llmock: LLMock, fault: str) -> None:
    makes, status, words = FAULTS[fault]
    llmock.reply(NOTE, times=None)
    makes(llmock)
    made = world(tmp_path / "world", CLAUDE)
    outcome, streams = frame(made)
    assert outcome.code == 0, outcome.err
    attempts = [one for stream in streams.values() for one in stream["attempts"] if one["status"] != "ok"]
    assert [one["status"] for one in attempts] == ([] if status == "ok" else [status]), attempts
    assert all(words in one["reason"] for one in attempts)
    ended = sorted(stream["status"] for stream in streams.values() if stream["status"] != "ok")
    assert ended in ([], [status])  # a second attempt may have gone well
    assert len(made.read("notes.jsonl")) == 6 - len(ended)


def test_a_tool_that_nobody_offered(tmp_path: Path, llmock: LLMock) -> None:
    """A call of a tool that nobody offered is told so, and the model answers."""
    llmock.call_tool("lispy_eval", {"code": "(+ 1 2)"})
    llmock.reply(NOTE, times=None)
    made = world(tmp_path / "world", CLAUDE)
    outcome, streams = frame(made)
    assert outcome.code == 0
    assert [stream["status"] for stream in streams.values()] == ["ok"] * 6
    assert len(llmock.requests) == 7
