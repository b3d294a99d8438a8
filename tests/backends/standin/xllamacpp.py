"""A stand-in for the library of that name: its server speaks the same protocol, and fails as STANDIN says.

It counts tokens by words, knows what each slot has read, and says each of its calls in the file STANDIN_BOOK.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

HOW = os.environ.get("STANDIN", "")


class CommonParams(SimpleNamespace):
    def __init__(self) -> None:
        threads = SimpleNamespace(n_threads=-1)
        super().__init__(model=SimpleNamespace(path=""), cpuparams=threads, cpuparams_batch=threads)


def note(**fields: Any) -> None:
    if book := os.environ.get("STANDIN_BOOK"):
        with open(book, "a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")


class _Listener(ThreadingHTTPServer):
    """Fifteen calls come at once: a short queue of connections loses some where the machine is busy."""

    request_queue_size = 128


class Server:
    def __init__(self, params: CommonParams) -> None:
        note(pid=os.getpid(), context=params.n_ctx, slots=params.n_parallel, folder=params.slot_save_path,
             threads=params.cpuparams.n_threads)  # fmt: skip
        if HOW == "no-model":
            print("0.00.006 I srv load_model: loading\n0.00.007 E gguf: invalid magic", file=sys.stderr)
            raise RuntimeError("Failed to init server")
        if HOW == "other-processor":
            os.kill(os.getpid(), signal.SIGILL)
        self.slots: list[list[str]] = [[] for _ in range(params.n_parallel)]
        self.saved: list[str] = []
        self.params, self.lock = params, threading.Lock()
        handler = type("Handler", (_Handler,), {"server_of": self})
        http = _Listener(("127.0.0.1", params.port), handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{http.server_address[1]}"

    def read(self, words: list[str], slot: int) -> dict[str, int]:
        """What of a prompt a slot has read already; it holds all of it now."""
        with self.lock:
            if slot < 0:
                slot = max(range(len(self.slots)), key=lambda n: _common(self.slots[n], words))
            common = min(_common(self.slots[slot], words), len(words) - 1)
            self.slots[slot] = words
            return {"cache_n": common, "prompt_n": len(words) - common}


def _common(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


class _Handler(BaseHTTPRequestHandler):
    server_of: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        server = self.server_of
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {server.params.api_keys[0]}":
            return self.tell(401, {"error": {"message": "Invalid API Key", "type": "authentication_error"}})
        if self.path.startswith("/slots/"):
            slot, _, action = self.path.removeprefix("/slots/").partition("?action=")
            file = server.params.slot_save_path + body["filename"]
            if action == "save":
                server.saved = server.slots[int(slot)]
                open(file, "w").close()
            else:
                os.stat(file)
                server.slots[int(slot)] = server.saved
            return self.tell(200, {"id_slot": int(slot)})
        words = [word for said in body["messages"] for word in [said["role"], *said["content"].split()]]
        if len(words) > server.params.n_ctx // server.params.n_parallel:
            error = {"message": "the request exceeds the available context size"}
            error |= {"type": "exceed_context_size_error", "n_prompt_tokens": len(words), "code": 400}
            return self.tell(400, {"error": error})
        if HOW == "no-grammar" and "response_format" in body:
            error = {"message": "failed to parse grammar", "type": "invalid_request_error"}
            return self.tell(400, {"error": error})
        timings = server.read(words, body.get("id_slot", -1))
        if not body.get("stream"):
            return self.tell(200, {"timings": {**timings, "predicted_n": 1}})
        schema = body["response_format"]["json_schema"]["schema"]["properties"]
        fields = schema["lines"]["items"]["properties"] if "lines" in schema else {}
        actor = next((name for name, field in fields.items() if "enum" in field), "author")
        agent = fields.get(actor, {}).get("enum", ["nobody"])[0]
        answer = json.dumps({"lines": [{actor: agent, "text": "hello there"}]})
        note(body=body, **timings, predicted_n=len(answer.split()))
        if HOW == "takes-time":
            time.sleep(0.05)
        if HOW == "leaves-cid" and "- cid:" in body["messages"][-1]["content"]:
            return self.stream(timings, "", ends=True)
        self.stream(timings, answer)

    def tell(self, status: int, data: dict[str, Any]) -> None:
        told = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def stream(self, timings: dict[str, int], answer: str, ends: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if ends:
            return
        if HOW == "hangs":
            time.sleep(600)
        parts = [answer[:9], answer[9:]]
        self.event({"choices": [{"delta": {"role": "assistant", "content": None}, "finish_reason": None}]})
        for part in parts[: 1 if HOW == "is-cut" else 2]:
            self.event({"choices": [{"delta": {"content": part}, "finish_reason": None}]})
            if HOW == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if HOW == "breaks-off":
                return
            if HOW == "talks-nonsense":
                return self.write(b"data: <html>\n\n")
            if HOW == "denies-late":
                return self.event({"error": {"message": "slot was lost", "type": "server_error"}})
        told = {"choices": [{"delta": {}, "finish_reason": "length" if HOW == "is-cut" else "stop"}]}
        self.event({**told, "timings": {**timings, "predicted_n": len(answer.split())}})
        self.write(b"data: [DONE]\n\n")

    def event(self, data: dict[str, Any]) -> None:
        self.write(b"data: " + json.dumps(data).encode() + b"\n\n")

    def write(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            pass  # nobody listens any more
