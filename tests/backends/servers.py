"""A loopback HTTP server that does what a test says to the byte, and speaks Anthropic's and Ollama's ways."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PATIENCE = 20.0  # seconds after which a test that waits for the server is wrong


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body as data."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is sent back: each piece of the body is a chunk of its own; before one that asks something, the
    server waits until that holds.

    `end` is complete, cut (the connection closes in the middle), reset (it is torn off), hang (nothing more
    comes until the other side goes) or drip (the piece `drip` again and again, until it goes).
    """

    pieces: Sequence[bytes | Callable[[], bool]] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    end: str = "complete"
    drip: bytes = b": a comment\n\n"
    raw: bytes | None = None  # what is sent instead of all that


Script = Callable[[Asked], Answer]


class Server:
    """Runs in a thread of its own while it is used in a `with`; `answer` may be changed at any time."""

    def __init__(self, answer: Script | Answer | None = None) -> None:
        self.answer: Script | Answer = answer if answer is not None else Answer(status=500)
        self.asked: list[Asked] = []
        self.open = self.most = 0  # sockets
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self._server = started.result(PATIENCE)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self, held: Callable[[], bool]) -> None:
        """Return as soon as something about it holds; it is an error where that takes too long."""
        with self._changed:
            assert self._changed.wait_for(held, PATIENCE)

    def _note(self, open: int) -> None:
        with self._changed:
            self.open += open
            self.most = max(self.most, self.open)
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._note(1)
        try:
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                self._note(0)
                answer = self.answer if isinstance(self.answer, Answer) else self.answer(asked)
                if not await _send(answer, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._note(-1)


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    head = await reader.readline()
    if not head:
        return None
    method, path, _ = head.decode().split(" ", 2)
    headers = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body)


async def _send(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """True where the connection goes on."""
    if answer.raw is not None:
        writer.write(answer.raw)
        await writer.drain()
        return False
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "Odd"
    headers = {"content-type": "application/json", "transfer-encoding": "chunked", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for piece in answer.pieces:
        if not isinstance(piece, bytes):
            while not piece():
                await asyncio.sleep(0.005)
            continue
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
    if answer.end == "complete":
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
    if answer.end == "hang":
        await reader.read()
    while answer.end == "drip":
        writer.write(b"%x\r\n%s\r\n" % (len(answer.drip), answer.drip))
        await writer.drain()
        await asyncio.sleep(0.02)
        if reader.at_eof():
            break
    if answer.end == "reset":
        held: socket.socket = writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    return False


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def in_turn(*answers: Answer) -> Script:
    """One answer after the other; the last again and again."""
    left = list(answers)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


# -- as Anthropic speaks

SSE = {"content-type": "text/event-stream; charset=utf-8"}


def event(kind: str, **data: Any) -> bytes:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def start(model: str = "claude-test-1", **usage: int) -> bytes:
    """The first event of a message."""
    used = {"input_tokens": 7, "output_tokens": 1, **usage}
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": used,
    }  # fmt: skip
    return event("message_start", message=message)


def said(*texts: str, index: int = 0) -> list[bytes]:
    """A block of text in pieces."""
    return [
        event("content_block_start", index=index, content_block={"type": "text", "text": ""}),
        *(
            event("content_block_delta", index=index, delta={"type": "text_delta", "text": text})
            for text in texts
        ),
        event("content_block_stop", index=index),
    ]


def used(name: str, arguments: dict[str, Any], *, index: int = 0, id: str = "toolu_1") -> list[bytes]:
    """A block in which a tool is used."""
    block = {"type": "tool_use", "id": id, "name": name, "input": {}}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
    return [
        event("content_block_start", index=index, content_block=block),
        event("content_block_delta", index=index, delta=delta),
        event("content_block_stop", index=index),
    ]


def stop(reason: str = "end_turn", output: int = 5, **more: Any) -> list[bytes]:
    """The end of a message."""
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return [
        event("message_delta", delta=delta, usage={"output_tokens": output}),
        event("message_stop"),
    ]


def message(*texts: str, reason: str = "end_turn", output: int = 5, **usage: int) -> Answer:
    """A whole message, streamed."""
    return Answer([start(**usage), *said(*texts), *stop(reason, output)], headers=SSE)


def error(status: int, kind: str, text: str = "no", **headers: str) -> Answer:
    """An error of Anthropic's."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"})
    return Answer([body.encode()], status, headers)


# -- as Ollama speaks

NDJSON = {"content-type": "application/x-ndjson"}


def line(text: str = "", model: str = "small:1b", **more: Any) -> bytes:
    """One line of a streamed answer; `tool_calls` go into its message."""
    spoken: dict[str, Any] = {"role": "assistant", "content": text}
    if "tool_calls" in more:
        spoken["tool_calls"] = more.pop("tool_calls")
    told = {"model": model, "created_at": "2026-01-01T00:00:00Z", "message": spoken, "done": False, **more}
    return json.dumps(told).encode() + b"\n"


def done(reason: str = "stop", prompt: int = 50, output: int = 5, **more: Any) -> bytes:
    """The last line."""
    return line(
        done=True, done_reason=reason, prompt_eval_count=prompt, eval_count=output, total_duration=1, **more
    )


def lines(*texts: str, **end: Any) -> Answer:
    """A whole answer, streamed."""
    return Answer([*map(line, texts), done(**end)], headers=NDJSON)


def wrong(status: int, text: str = "no", **headers: str) -> Answer:
    """An error of Ollama's."""
    return Answer([json.dumps({"error": text}).encode()], status, headers)


def rooms(asked: Asked, names: Iterable[str]) -> list[str]:
    """Which of the agents stand in the room's part of a request of either kind."""
    data = asked.json
    text = json.dumps(data["messages"][0 if data["messages"][0]["role"] == "user" else 1])
    return [name for name in names if f"- {name}:" in text]
