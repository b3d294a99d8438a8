"""Kills a real run again and again, and counts by the backend's own book what was asked for twice.

    python -m tests.killing --times 200 --pipes 138

The backend of the world asks a server in this process, which answers after 0.05 to 0.2 s and counts. A call
whose answer stood in the journal when the process died must never come again; one that was in flight may, and
is counted apart. At the end every frame is there, and the state is that of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lisppump.files import Files
from lisppump.reservoir import Store
from tests.faulty_worlds import state_of

ROOT = Path(__file__).resolve().parent.parent
POLICY = """\
(define (first-frame)
  (dict "agents.json" (dict "agents" (apply dict (apply append (map (lambda (n)
          (list (string-append "agent-" (number->string n)) (dict "posts" 0))) (range {pipes})))))))

(pump
  (name killed)
  (every (seconds 0))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams {pipes})
  (dam round-robin)
  (pipe script (deadline (seconds 60)))
  (backends (script asking))
  (delta
    (posts (fields (author agent) (title string)) (into "posts.jsonl")
           (count "agents.json" (agents author posts))))
  (echoes (by (lambda () (dict "posts" (length (rb-state "posts")))))))
"""
PLUGIN = '''\
"""A backend that asks a server on this machine."""

import asyncio
import os

from lisppump import Reply, hookimpl


class Asking:
    """Asks which post to write."""

    async def pour(self, request):
        agent, number = request.agents[0].id, request.frame.number + 1
        reader, writer = await asyncio.open_connection("127.0.0.1", int(os.environ["ASKING_PORT"]))
        path = f"/{os.environ['ASKING_WORLD']}/{number}/{request.stream.number}/{agent}"
        writer.write(f"GET {path} HTTP/1.0\\r\\n\\r\\n".encode())
        answer = await reader.read()
        writer.close()
        return Reply(text=answer.partition(b"\\r\\n\\r\\n")[2].decode())


@hookimpl
def backends():
    return {"asking": Asking}
'''
Call = tuple[int, int]  # a frame and a stream


class Server:
    """Answers calls by HTTP, after a while, and counts them by world, frame and stream."""

    def __init__(self, seed: int) -> None:
        self.asked: Counter[tuple[str, int, int]] = Counter()
        self.port = 0
        self._dice = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Server:
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

    def asked_in(self, world: str) -> dict[Call, int]:
        """How often each call of a world has come, with all that its dead processes had sent."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:  # behind all others in the queue
            own.sendall(b"GET /whole/0/0/- HTTP/1.0\r\n\r\n")
            while own.recv(1000):
                pass
        return {call[1:]: count for call, count in self.asked.items() if call[0] == world}

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # of who was killed meanwhile
            head = await reader.readuntil(b"\r\n\r\n")
            _, world, frame, stream, agent = head.split()[1].decode().split("/")
            self.asked[world, int(frame), int(stream)] += 1
            if world != "whole":
                await asyncio.sleep(self._dice.uniform(0.05, 0.2))
            post = {"author": agent, "title": f"{agent} in frame {frame}"}
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({"posts": [post]}).encode())
            await writer.drain()
        writer.close()


@dataclass
class Book:
    """What was killed and counted: calls that finished, and requests, some of which were killed in flight."""

    kills: int = 0
    frames: int = 0
    calls: int = 0
    requests: int = 0
    in_flight: int = 0
    repeated: list[Call] = field(default_factory=list)  # asked again though their answer had been written
    open_frames: int = 0  # how often a frame was under way when the process died

    @property
    def per_finished(self) -> float:
        """Requests for each finished stream, but for those that a kill took with it."""
        return (self.requests - self.in_flight) / self.calls

    def __str__(self) -> str:
        return (
            f"{self.kills} kills ({self.open_frames} in a frame under way), {self.frames} frames, "
            f"{self.calls} finished calls, {self.requests} requests, {self.in_flight} of them in flight at a "
            f"kill: {self.per_finished:.3f} requests for each finished call, {len(self.repeated)} asked again"
        )


@dataclass
class Killing:
    """A world that is run and killed."""

    folder: Path
    pipes: int
    server: Server
    seed: int
    book: Book = field(default_factory=Book)
    _finished: dict[Call, int] = field(default_factory=dict)  # the count when it was first seen finished
    _flown: Counter[Call] = field(default_factory=Counter)  # how often a kill took a call with it
    _asked: dict[Call, int] = field(default_factory=dict)  # the counts at the last kill
    _head: int = -1

    def make(self, name: str) -> Path:
        """A new world that is trusted."""
        world = self.folder / name
        (world / "plugins").mkdir(parents=True)
        (world / "pump.lisp").write_text(POLICY.replace("{pipes}", str(self.pipes)))
        (world / "plugins" / "asking.py").write_text(PLUGIN)
        with self.running(world, "trust", "--yes") as process:
            said = process.communicate()[1]
            assert process.returncode == 0, said
        return world

    @contextlib.contextmanager
    def running(self, world: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command about a world, in a process of its own."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LISPPUMP_CONFIG": str(self.folder / "config.toml"),
            "ASKING_PORT": str(self.server.port),
            "ASKING_WORLD": world.name,
        }
        command = [sys.executable, "-m", "lisppump", "-C", str(world), *words]
        with subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            yield process

    def finish(self, world: Path, frames: int) -> None:
        """Run so many frames, undisturbed."""
        with self.running(world, "run", "--quiet", "--frames", str(frames)) as process:
            said = process.communicate()[1]
            assert process.returncode == 0, said

    def kill(self, world: Path, dice: random.Random) -> None:
        """Run until the journal has grown by a random length, or for a random while, and kill."""
        wanted, size, grown = dice.randrange(1, 2000 * self.pipes), _size(world), 0
        patience = dice.randrange(1, 400) if dice.random() < 0.2 else sys.maxsize
        with self.running(world, "run", "--quiet", "--frames", "1000000") as process:
            while process.poll() is None and grown < wanted and patience:
                before, size = size, _size(world)
                grown += max(size - before, 0)  # it shrinks when a segment is packed
                patience -= 1
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.002)
            process.send_signal(signal.SIGKILL)
            said = process.communicate()[1]
            assert process.returncode == -signal.SIGKILL, said
        self.book.kills += 1

    def audit(self, world: Path) -> None:
        """Compare what the journal holds with what the server counted."""
        asked = self.server.asked_in(world.name)
        finished = set()
        with Store.open(world, Files(world / "state"), write=False) as store:
            head = store.head.number if store.head is not None else -1
            assert head >= self._head, f"frame {self._head} was there, and {head} is the newest now"
            for number in range(max(self._head, 0) + 1, head + 1):
                commit = store.commit_record(number)
                assert commit is not None and len(commit["deltas"]) == self.pipes
                assert len(store.deltas(number)) == self.pipes
                finished |= {(number, stream) for stream in range(1, self.pipes + 1)}
            opened = store.open_frame()
            if opened is not None:
                finished |= {(opened["frame"], reply["stream"]) for reply in store.replies(opened["frame"])}
                self.book.open_frames += 1
        for call in finished:
            self._finished.setdefault(call, asked[call])
        for call, count in asked.items():
            if call not in self._finished and count > self._asked.get(call, 0):
                self._flown[call] += 1
        self._head, self._asked = head, asked

    def close(self, world: Path) -> None:
        """Finish the last frame, and add up."""
        self.finish(world, 1)
        self.audit(world)
        book = self.book
        asked = self._asked
        assert set(asked) == set(self._finished)
        book.frames = self._head
        book.calls = len(asked)
        book.requests = sum(asked.values())
        book.repeated = sorted(
            call
            for call, count in asked.items()
            if count > self._finished[call] or count > 1 + self._flown[call]
        )
        book.in_flight = self._flown.total()


def _size(world: Path) -> int:
    """The bytes of the journal that are not packed."""
    size = 0
    for path in (world / ".lisppump" / "journal").glob("*.log"):
        with contextlib.suppress(FileNotFoundError):  # it was packed just then
            size += path.stat().st_size
    return size


def kill(folder: Path, *, times: int, pipes: int = 138, seed: int = 1) -> Book:
    """Kill a run so many times, see what it comes to, and compare it with one that nobody disturbed."""
    dice = random.Random(seed)
    with Server(seed) as server:
        killing = Killing(folder, pipes, server, seed)
        world = killing.make("killed")
        for _ in range(times):
            killing.kill(world, dice)
            killing.audit(world)
        killing.close(world)
        whole = killing.make("whole")
        killing.finish(whole, killing.book.frames)
        assert state_of(world) == state_of(whole), f"the state is another one; it lies in {world}"
    return killing.book


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=200, help="how often it is killed")
    parser.add_argument("--pipes", type=int, default=138, help="how many streams a frame has")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and of the latency")
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="lisppump-killing-"))
    book = kill(folder, times=wanted.times, pipes=wanted.pipes, seed=wanted.seed)
    print(book)
    if book.repeated or book.per_finished != 1:
        sys.exit(f"calls were asked for again: {book.repeated}; the world lies in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
