"""claude and ollama against aimock, a server that nobody here wrote: one room of six meets a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("ollama")

from tests.backends.npm import Aimock, aimock
from tests.backends.worlds import NAMES, frame, spoken, world

pytestmark = pytest.mark.slow

BACKENDS = {
    "claude": '(claude (model "claude-opus-4-6") (max-tokens 100) (silence (seconds 2)))',
    "ollama": '(ollama (model "small:1b") (context 8000) (max-tokens 100) (silence (seconds 2)))',
}


def fails(status: int, message: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"response": {"error": {"message": message, "type": kind}, "status": status, **more}}


def says(text: str, **more: Any) -> dict[str, Any]:
    return {"response": {"content": text}, "chunkSize": 8, **more}


# what ann's room meets, and its first attempt: status by claude, by ollama, and words of the reason
FAULTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "well": (says(spoken("ann")), "ok", "ok", ""),
    "429": (fails(429, "slow", "rate_limit_error", retryAfter=90), "throttled", "throttled", "slow"),
    "529": (fails(529, "Overloaded", "overloaded_error"), "throttled", "throttled", "Overloaded"),
    "500": (fails(500, "oops", "api_error"), "failed", "failed", "oops"),
    "401": (fails(401, "invalid key", "authentication_error"), "failed", "failed", "invalid key"),
    "404": (fails(404, "no such model", "not_found_error"), "failed", "failed", "no such model"),
    "too long": (fails(400, "prompt is too long", "invalid_request_error"), "failed", "failed", "too long"),
    "truncated": (says(spoken("ann"), truncateAfterChunks=3), "failed", "failed", ""),
    "disconnected": (says(spoken("ann"), disconnectAfterMs=1, latency=20), "failed", "failed", ""),
    "garbage": (says(spoken("ann"), chaos={"malformedRate": 1.0}), "invalid", "invalid", ""),
    "prose": (says("I would rather not say."), "invalid", "invalid", "JSON object"),
    "max tokens": (
        {"response": {"content": '{"lines": [{"agent": "ann", "te', "finishReason": "length"}},
        "invalid", "invalid", "",
    ),
}  # fmt: skip


def served(folder: Path, bad: dict[str, Any]) -> Any:
    """A server that meets ann's room with that, and answers in all others."""
    fixtures = [
        {"match": {"userMessage": f"- {name}:"}, **(bad if name == "ann" else says(spoken(name)))}
        for name in NAMES
    ]
    return aimock(folder, fixtures)


def environment(monkeypatch: pytest.MonkeyPatch, server: Aimock, folder: Path) -> None:
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE", "ANTHROPIC_CUSTOM_HEADERS", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-nobody")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(folder))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.address)
    monkeypatch.setenv("OLLAMA_HOST", server.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_one_room_of_six_meets_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, fault: str
) -> None:
    bad, by_claude, by_ollama, words = FAULTS[fault]
    status = by_claude if backend == "claude" else by_ollama
    with served(tmp_path, bad) as server:
        environment(monkeypatch, server, tmp_path / "anthropic")
        made = world(tmp_path / "world", BACKENDS[backend], pipe="(deadline (seconds 20))")
        outcome, streams = frame(made)
        asked = server.requests()
    assert outcome.code == 0, outcome.err
    mine = streams.pop("ann")
    first = mine["attempts"][0]
    assert first["status"] == status and words in (first["reason"] or ""), mine
    assert {stream["status"] for stream in streams.values()} == {"ok"}
    assert {line["agent"] for line in made.read("lines.jsonl")} >= {*NAMES} - {"ann"}
    assert len(asked) >= 6 and made.lisppump("replay", "--json").json["equal"] is True
