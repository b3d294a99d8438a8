"""Asking a backend for rooms as a run does: many side by side, closed at its end. It checks nothing."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lisppump.calling import BackendError, Request
from lisppump.delta import Collection, Field, Schema
from lisppump.testing import frame_of, people, request_of

AGENTS = people("ann", "bob")
LINES = Schema((Collection("lines", (Field("agent", "agent"), Field("text", "string"))),))
DELTA = {
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
}


def request(stream: int = 1, **more: Any) -> Request:
    """What is asked for one room."""
    given = {"schema": LINES, "deadline": 10.0, **more}
    return request_of(frame_of({}), AGENTS, stream, **given)


def pour(backend: Any, *requests: Request) -> Any:
    """The reply or failure of a room, or those of several that were asked side by side."""

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
    """The failure of a room that has to come to one."""
    found = pour(backend, given or request())
    assert isinstance(found, BackendError), found
    return found


@dataclass
class Tool:
    """A tool that numbers its answers."""

    name: str = "lispy_eval"
    doc: str = "Counts."
    parameters: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {"code": {"type": "string"}}}
    )
    used: list[Any] = field(default_factory=list)

    async def call(self, arguments: Mapping[str, Any]) -> str:
        """Remember the arguments."""
        self.used.append(dict(arguments))
        return f"result {len(self.used)}"
