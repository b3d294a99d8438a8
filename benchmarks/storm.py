"""A storm of 429s: many pipes against a server on this machine that allows few requests a second.

    python benchmarks/storm.py [--limiter fixed|sliding|bucket] [--hint none|seconds] [--latency 0.05]

It prints, by the server's own log, how long all pipes took beside the least that the server allows, how many
requests came for each call that was finished, and the most that came within any second after the first that
was refused. Where one of them is more than it may be it ends with 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lisppump.calling import BackendError, Failure, Reply, Request
from lisppump.clock import Wall
from lisppump.delta import Usage
from lisppump.testing import Simulation

POLICY = """\
(define (first-frame)
  (dict "agents.json" (dict "agents" (apply dict (apply append (map (lambda (n)
          (list (string-append "agent-" (number->string n)) (dict))) (range {pipes})))))))

(pump
  (name storm)
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams {pipes})
  (pipe asking (deadline (seconds 60)))
  (backends (asking none))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""
SLOWER, REQUESTS, SECOND = 1.25, 1.3, 1.5  # the most of time, requests, and those of a second


def fixed_window(a_second: int) -> Callable[[float], float]:
    """So many in each second of the clock; the seconds after which a refused one would pass."""
    window, count = -1, 0

    def ask(now: float) -> float:
        nonlocal window, count
        if math.floor(now) != window:
            window, count = math.floor(now), 0
        count += 1
        return 0.0 if count <= a_second else window + 1 - now

    return ask


def sliding_window(a_second: int) -> Callable[[float], float]:
    """So many in any second."""
    passed: deque[float] = deque()

    def ask(now: float) -> float:
        while passed and passed[0] <= now - 1:
            passed.popleft()
        if len(passed) >= a_second:
            return passed[0] + 1 - now
        passed.append(now)
        return 0.0

    return ask


def token_bucket(a_second: int) -> Callable[[float], float]:
    """A second's worth at once, and then one whenever its time has come."""
    level, then = float(a_second), 0.0

    def ask(now: float) -> float:
        nonlocal level, then
        level, then = min(a_second, level + (now - then) * a_second), now
        if level < 1:
            return (1 - level) / a_second
        level -= 1
        return 0.0

    return ask


LIMITERS = {"fixed": fixed_window, "sliding": sliding_window, "bucket": token_bucket}


@dataclass
class Server:
    """Answers POSTs, or says 429, with Retry-After in whole seconds where it `hints`; it keeps a log."""

    limiter: Callable[[float], float]
    hints: bool
    latency: float
    port: int = 0
    log: list[tuple[float, bool]] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _ready: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1000)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        agent = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().lstrip("/")
        now = time.monotonic()
        after = self.limiter(now)
        self.log.append((now, not after))
        if after:
            hint = f"Retry-After: {math.ceil(after)}\r\n" if self.hints else ""
            writer.write(f"HTTP/1.0 429 Too Many Requests\r\n{hint}\r\n".encode())
        else:
            await asyncio.sleep(self.latency)
            said = json.dumps({"lines": [{"agent": agent, "text": "hi"}]})
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + said.encode())
        await writer.drain()
        writer.close()


class Asking:
    """A backend that asks that server for each room."""

    max_tokens = 100
    free = True

    def __init__(self, port: int) -> None:
        self._port = port

    async def pour(self, request: Request) -> Reply:
        """What the server answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"POST /{request.agents[0].id} HTTP/1.0\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        if head.split()[1] == b"429":
            _, found, after = head.partition(b"Retry-After: ")
            raise BackendError(Failure.THROTTLED, "429", retry_after=float(after) if found else None)
        return Reply(text=body.decode(), usage=Usage(input=10, output=10))


@dataclass(frozen=True)
class Storm:
    """What became of it."""

    pipes: int
    least: float
    seconds: float
    requests: int
    most: int
    statuses: dict[str, int]

    def holds(self, a_second: int) -> bool:
        """Whether all was as it may be."""
        return (
            self.statuses == {"ok": self.pipes}
            and self.seconds <= SLOWER * self.least
            and self.requests <= REQUESTS * self.pipes
            and self.most <= SECOND * a_second
        )

    def __str__(self) -> str:
        return (
            f"{self.pipes} pipes: {self.seconds:.2f} s, {self.seconds / self.least:.3f} of {self.least:g} s, "
            f"{self.requests} requests ({self.requests / self.pipes:.3f} for each finished call), at most "
            f"{self.most} in a second after the first refusal, {self.statuses}"
        )


def storm(folder: Path, limiter: str, *, hints: bool, latency: float, pipes: int, a_second: int) -> Storm:
    """One frame of so many pipes, by a real clock and real sockets."""
    with Server(LIMITERS[limiter](a_second), hints, latency) as server:
        backends, policy = {"asking": Asking(server.port)}, POLICY.replace("{pipes}", str(pipes))
        world = Simulation(folder, policy, backends=backends, clock=Wall())
        with world.open() as pump:
            (report,) = pump.step()
    log = server.log
    first = next((at for at, let in log if not let), math.inf)
    times = [at for at, _ in log if at >= first]
    most = max((sum(start <= at < start + 1 for at in times) for start in times), default=0)
    seconds = log[-1][0] - log[0][0] + latency
    return Storm(pipes, pipes / a_second, seconds, len(log), most, report.statuses)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--limiter", choices=[*LIMITERS], help="all of them, where none is named")
    parser.add_argument("--hint", choices=["none", "seconds"], help="what a 429 says of when to come; both")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds that an answer takes")
    parser.add_argument("--pipes", type=int, default=138)
    parser.add_argument("--a-second", type=int, default=10)
    wanted = parser.parse_args()
    held = True
    for limiter in [wanted.limiter] if wanted.limiter else LIMITERS:
        for hint in [wanted.hint] if wanted.hint else ["none", "seconds"]:
            with tempfile.TemporaryDirectory(prefix="lisppump-storm-") as folder:
                found = storm(
                    Path(folder) / "world", limiter, hints=hint == "seconds", latency=wanted.latency,
                    pipes=wanted.pipes, a_second=wanted.a_second,
                )  # fmt: skip
            print(f"{limiter}, Retry-After {hint}: {found}", flush=True)
            held = held and found.holds(wanted.a_second)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
