"""Kills a run that spends, again and again, and compares its books with what a server really gave out.

A `Subject` is a backend with a server that counts: any can be held to the same. What the server gave out is
never more than what the books say is spent, and that never more than the limit, but for what single calls
used above what was reserved for them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
POLICY = """\
(define (first-frame)
  (dict "agents.json" (dict "agents" (apply dict (apply append (map (lambda (n)
          (list (string-append "agent-" (number->string n)) (dict))) (range {pipes})))))))

(pump
  (name spender)
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams {pipes})
  (pipe bright (deadline (seconds {deadline})))
  (backends (bright {clause}))
  (budget {budget})
  {more}
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""


@dataclass(frozen=True)
class Subject:
    """A backend, as pump.lisp has it, and what its server says it gave out: tokens, by all calls so far.

    `more` are clauses beside it, such as (prices ...); `plugins` are files of the folder `plugins/`.
    `dollars` is what was given in money; a run is killed when up to `stride` more tokens were given. `above`
    are the tokens by which calls may have used more than was reserved for them.
    """

    clause: str
    given: Callable[[], int]
    more: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    deadline: float = 60.0
    dollars: Callable[[], float] = lambda: 0.0
    stride: int = 2000
    above: Callable[[], int] = lambda: 0


@dataclass(frozen=True)
class Books:
    """What the books and the server say at the end."""

    kills: int
    in_flight: int  # how often a frame was under way when the process died
    frames: int
    given: int
    spent: Mapping[str, Any]
    limit: Mapping[str, Any]
    last: Mapping[str, int]  # the streams of the last frame by their status

    def __str__(self) -> str:
        return (
            f"{self.kills} kills ({self.in_flight} in a frame), {self.frames} frames, the server gave out "
            f"{self.given:,} tokens, the books say {self.spent['tokens']:,} of {self.limit['tokens']} and "
            f"${self.spent['dollars']:.4f} of {self.limit['dollars']}; the last frame: {dict(self.last)}"
        )


def spend(
    folder: Path, subject: Subject, *, budget: str, pipes: int = 15, kills: int = 5, seed: int = 1
) -> Books:
    """Run under a `budget` (per world), kill so many times, then run until it is spent: exit 6."""
    dice, in_flight, counted = random.Random(seed), 0, 0
    world = folder / "spender"
    (world / "plugins").mkdir(parents=True)
    policy = POLICY
    for name, value in {"pipes": pipes, "clause": subject.clause, "budget": f"(per world) {budget}",
                        "more": subject.more, "deadline": subject.deadline}.items():  # fmt: skip
        policy = policy.replace("{" + name + "}", str(value))
    (world / "pump.lisp").write_text(policy)
    for name, text in subject.plugins.items():
        (world / "plugins" / name).write_text(text)
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), **subject.environment,
        "LISPPUMP_CONFIG": str(folder / "config.toml"),
    }  # fmt: skip

    def command(*words: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "lisppump", "-C", str(world), *words]
        return subprocess.Popen(
            line, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def said(*words: str) -> Any:
        with command(*words) as process:
            out, err = process.communicate()
            assert process.returncode == 0, err
        return json.loads(out) if "--json" in words else out

    said("trust", "--yes")
    for _ in range(kills):
        before, wanted = subject.given(), dice.randrange(1, subject.stride)
        with command("run", "--quiet") as process:
            while process.poll() is None and subject.given() < before + wanted:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.005)
            if process.poll() is not None:
                break  # it has spent all
            process.send_signal(signal.SIGKILL)
            process.communicate()
        time.sleep(0.3)  # what had reached the server by then is given out now
        found = said("status", "--json")
        in_flight += found["open_frame"] is not None
        earlier, counted = counted, found["budget"]["spent"]["tokens"]
        assert earlier <= counted, "it did not go on from the books"
        assert subject.given() <= counted, f"the server gave {subject.given()}, the books say {counted}"
        assert subject.dollars() <= found["budget"]["spent"]["dollars"] + 1e-6
    with command("run", "--quiet") as process:
        _, err = process.communicate()
        assert process.returncode == 6, err
    found, head = said("budget", "--json"), said("status", "--json")["frame"]
    frame = said("show", str(head), "--json")
    last = Counter(stream["status"] for stream in frame["streams"])
    books = Books(kills, in_flight, head, subject.given(), found["spent"], found["limit"], last)
    assert max(books.given, counted) <= books.spent["tokens"], str(books)
    assert subject.dollars() <= books.spent["dollars"] + 1e-6, str(books)
    tokens, dollars = books.limit["tokens"], books.limit["dollars"]
    assert tokens is None or books.spent["tokens"] <= tokens + subject.above(), str(books)
    assert dollars is None or books.spent["dollars"] <= dollars + 1e-6, str(books)
    # The limit is reached in the middle of a frame: some are over it, what the others brought is merged.
    # A frame that was killed may be resumed with all its answers, or with nothing left for any.
    assert set(last) == {"ok", "over-budget"} or (kills and set(last) < {"ok", "over-budget"}), str(books)
    assert frame["merge"]["merged"] == last["ok"], str(books)
    return books


PLUGIN = '''\
"""A backend that asks a server on this machine, which says what each call used."""

import asyncio
import json
import os

from lisppump import Reply, hookimpl
from lisppump.delta import Usage


class Spending:
    """At most 40 tokens of output."""

    max_tokens = 40
    model = "counted"

    async def pour(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(os.environ["SPENDING_PORT"]))
        writer.write(f"GET /{request.agents[0].id} HTTP/1.0\\r\\n\\r\\n".encode())
        answer = await reader.read()
        writer.close()
        said = json.loads(answer.partition(b"\\r\\n\\r\\n")[2])
        return Reply(data=said["data"], usage=Usage(input=said["input"], output=said["output"]))


@hookimpl
def backends():
    return {"spending": Spending}
'''


class Counting:
    """A server that answers after a while and counts the tokens of every request that reaches it."""

    def __init__(self, seed: int = 1) -> None:
        self.tokens = 0
        self.requests = 0
        self._dice, self._lock = random.Random(seed), threading.Lock()

    def answer(self, agent: str) -> dict[str, Any]:
        """What one call brings; it is counted whoever hears it."""
        with self._lock:
            used = {"input": self._dice.randrange(50, 150), "output": self._dice.randrange(1, 41)}
            wait = self._dice.uniform(0.02, 0.15)
            self.tokens += sum(used.values())
            self.requests += 1
        time.sleep(wait)
        return {**used, "data": {"lines": [{"agent": agent, "text": "hi"}]}}


@contextmanager
def scripted(more: str = "") -> Iterator[tuple[Subject, Counting]]:
    """The subject of a scripted backend, as long as its server runs."""
    counting = Counting()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(counting.answer(self.path.lstrip("/"))).encode()
            with suppress(OSError):  # of who was killed meanwhile
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is said."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 200

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Who was killed says nothing any more."""

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Subject(
            "spending",
            lambda: counting.tokens,
            more,
            {"spending.py": PLUGIN},
            {"SPENDING_PORT": str(server.server_address[1])},
        ), counting
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
