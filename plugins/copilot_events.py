"""What the Copilot CLI says while it works: lines of JSON, read as they come, of which only the end is kept.

It starts nothing and fails nobody; backend_copilot.py makes a reply or a failure of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lisppump.delta import Usage

LINE = 8 << 20  # bytes of a line; one that is longer is no event that matters, and is passed over
ANSWERS = 2 << 20  # letters of answers that are kept
ODD = 500  # bytes of what is no event, for a message


@dataclass
class Events:
    """Reads events; `feed` says when there is no use in reading on.

    In a call without tools (`plain`) a second turn means that the first was cut off and the model is asked to
    go on. After a failure the CLI asks again, up to five times. In both cases it is the pump that decides.
    """

    plain: bool
    began: Callable[[], None]
    answers: list[str] = field(default_factory=list)
    model: str | None = None
    error: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    no_model: bool = False
    asked: bool = False  # a model, by now
    cut_off: bool = False
    odd: bytes = b""
    _line: bytearray = field(default_factory=bytearray)
    _passing: bool = False
    _heard: bool = False

    def feed(self, data: bytes) -> bool:
        """Take a piece of the output; True when the rest of it changes nothing any more."""
        first, *more = data.split(b"\n")
        self._add(first)
        for part in more:
            line, passing = bytes(self._line), self._passing
            self._line.clear()
            self._passing = False
            if not passing and line.strip():
                self._event(line)
            self._add(part)
        return self.no_model or self.cut_off

    def _add(self, part: bytes) -> None:
        if self._passing or len(self._line) + len(part) > LINE:
            self._passing = True
            self._line.clear()
        else:
            self._line += part

    def _event(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            kind, data = event["type"], event.get("data") or {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.odd = self.odd or line[:ODD]
            return
        if isinstance(data, dict):
            take = getattr(self, f"_{str(kind).replace('.', '_')}", None)
            if kind == "result":
                self.result = event
            elif kind in _KINDS and take is not None:
                take(data)

    def _model_call_start(self, data: Mapping[str, Any]) -> None:
        self.asked = True

    def _model_call_finished(self, data: Mapping[str, Any]) -> None:
        if data.get("outcome") == "success" and not self._heard:
            self._heard = True
            self.began()

    def _assistant_message(self, data: Mapping[str, Any]) -> None:
        text, model = data.get("content"), data.get("model")
        if isinstance(model, str):
            self.model = model
        if isinstance(text, str) and text.strip() and sum(map(len, self.answers)) + len(text) <= ANSWERS:
            self.answers.append(text)

    def _assistant_turn_start(self, data: Mapping[str, Any]) -> None:
        self.cut_off = self.cut_off or (self.plain and data.get("turnId") != "0")

    def _model_call_failure(self, data: Mapping[str, Any]) -> None:
        said = _inner(data.get("errorMessage"))
        status = data.get("statusCode")
        kind = _STATUS.get(status) if isinstance(status, int) else data.get("failureKind")
        self.no_model = self.plain
        self.error = {
            "errorType": kind, "message": said or "the model could not be had",
            "statusCode": status, "retryAfterSeconds": data.get("retryAfterSeconds"),
        }  # fmt: skip

    def _session_error(self, data: Mapping[str, Any]) -> None:
        self.error = {**(self.error or {}), **data}

    def answer(self) -> str:
        """The reply: the last answer with an object in it, or else the last of all.

        An agent with tools also says what it has done.
        """
        objects = [text for text in self.answers if "{" in text]
        return (objects or self.answers or [""])[-1]


def _inner(said: Any) -> Any:
    """The sentence in a provider's error, which is often JSON."""
    try:
        return json.loads(said)["message"]
    except (ValueError, KeyError, TypeError):
        return said


_KINDS = (
    "model.call_start", "model.call_finished", "model.call_failure", "assistant.message",
    "assistant.turn_start", "session.error",
)  # fmt: skip
_STATUS = {
    401: "authentication", 402: "quota", 403: "authorization", 429: "rate_limit", 529: "rate_limit",
}  # fmt: skip


def usage_of(file: bytes | None) -> Usage | None:
    """What the usage file says, over all models; None where there is none. Money is not in it.

    Its inputTokens hold those that were read from a cache, or written into one.
    """
    try:
        metrics = json.loads(file or b"")["modelMetrics"]
        counts = [each["usage"] for each in metrics.values()]
        sums = {name: sum(int(count.get(name, 0)) for count in counts) for name in _COUNTS}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not counts or min(sums.values()) < 0:
        return None
    read, written = sums["cacheReadTokens"], sums["cacheWriteTokens"]
    fresh = max(0, sums["inputTokens"] - read - written)
    return Usage(fresh, read, written, sums["outputTokens"], None)


_COUNTS = ("inputTokens", "cacheReadTokens", "cacheWriteTokens", "outputTokens")
