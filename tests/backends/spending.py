"""Backends as subjects of tests.spending_kills: each with what its server, or its programs, gave out.

The servers live in the process of the test, which outlives the pumps that are killed. It asserts nothing.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.backends import servers
from tests.backends.programs import Programs
from tests.backends.servers import Answer, Asked, Server
from tests.conftest import ROOT
from tests.spending_kills import Subject

STANDIN = Path(__file__).parent / "standin"
MOST = 40  # tokens of an answer
PRICES = '(prices (as-of "2026-01-01") (model "counted" (input 5) (output 25)))'
DOLLARS = {"input": 5e-6, "cache_write": 6.25e-6, "cache_read": 5e-7, "output": 25e-6}
_AGENT = re.compile(r"^- ([\w-]+):", re.MULTILINE)


class Counting:
    """Counts the tokens of every request that reaches it, whoever hears the answer: `each` kind, and dollars.

    A token of a prompt has `bytes_each` bytes: with fewer than 4 each prompt is longer than was estimated.
    """

    def __init__(self, bytes_each: float = 4, seed: int = 1) -> None:
        self.each = dict.fromkeys(DOLLARS, 0)
        self.requests = self.above = 0
        self._bytes, self._dice, self._lock = bytes_each, random.Random(seed), threading.Lock()
        self._prefixes: set[str] = set()

    @property
    def tokens(self) -> int:
        return sum(self.each.values())

    @property
    def dollars(self) -> float:
        return sum(self.each[kind] * price for kind, price in DOLLARS.items())

    def call(self, shared: str, said: str) -> tuple[dict[str, int], str, Callable[[], bool]]:
        """What a call used, its answer, and whether it is time to say it."""
        with self._lock:
            kind = "cache_read" if shared in self._prefixes else "cache_write"
            self._prefixes.add(shared)
            used = dict.fromkeys(DOLLARS, 0)
            used[kind], used["input"] = (int(len(text.encode()) / self._bytes) for text in (shared, said))
            used["output"] = self._dice.randrange(1, MOST + 1)
            due = time.monotonic() + self._dice.uniform(0.02, 0.15)
            for name, count in used.items():
                self.each[name] += count
            self.requests += 1
            estimated = -(-len((shared + said).encode()) // 4)
            self.above += max(0, sum(used.values()) - 2 * (estimated + MOST) - MOST)  # with a repair call
        agent = _AGENT.findall(said.partition("Its agents:")[2])[0]
        answer = json.dumps({"lines": [{"agent": agent, "text": "hi"}]})
        return used, answer, lambda: time.monotonic() >= due


@contextmanager
def claude(more: str = "", bytes_each: float = 4) -> Iterator[tuple[Subject, Counting]]:
    """Anthropic's package, with a cache that the server keeps."""
    counting = Counting(bytes_each)

    def answer(asked: Asked) -> Answer:
        data = asked.json
        shared, said = data["system"][0]["text"], str(data["messages"][0]["content"])
        used, text, due = counting.call(shared, said)
        start = servers.start(
            model="counted", input_tokens=used["input"], cache_read_input_tokens=used["cache_read"],
            cache_creation_input_tokens=used["cache_write"],
        )  # fmt: skip
        ending = servers.stop(output=used["output"])
        return Answer([start, due, *servers.said(text), *ending], headers=servers.SSE)

    with Server(answer) as server:
        yield Subject(
            f'(claude (model "counted") (max-tokens {MOST}) (base-url "{server.url}"))',
            lambda: counting.tokens,
            more,
            environment={"ANTHROPIC_API_KEY": "test-key-of-nobody", "NO_PROXY": "127.0.0.1"},
            dollars=lambda: counting.dollars if more else 0.0,
        ), counting


@contextmanager
def ollama() -> Iterator[tuple[Subject, Counting]]:
    """Ollama's package; it costs no money."""
    counting = Counting()

    def answer(asked: Asked) -> Answer:
        shared, said = (str(each["content"]) for each in asked.json["messages"])
        used, text, due = counting.call(shared, said)
        read = used["input"] + used["cache_read"] + used["cache_write"]
        pieces = [due, servers.line(text), servers.done(prompt=read, output=used["output"])]
        return Answer(pieces, headers=servers.NDJSON)

    with Server(answer) as server:
        clause = f'(ollama (model "counted") (max-tokens {MOST}) (host "{server.url}"))'
        yield Subject(clause, lambda: counting.tokens, environment={"NO_PROXY": "127.0.0.1"}), counting


def llama(folder: Path) -> Subject:
    """The stand-in of its library, in a real process of its own; its book outlives that."""
    model, book = folder / "tiny.gguf", folder / "book"
    model.write_bytes(b"GGUF")
    book.touch()

    def given() -> int:
        read = [json.loads(line) for line in book.read_text().splitlines() if line.endswith("}")]
        calls = [entry for entry in read if "body" in entry]
        return sum(call["cache_n"] + call["prompt_n"] + call["predicted_n"] for call in calls)

    return Subject(
        f'(llama (model "{model}") (max-tokens {MOST}) (at-once 4))',
        given,
        environment={
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(STANDIN)]),
            "STANDIN_BOOK": str(book),
            "STANDIN": "takes-time",
        },
    )


def command(folder: Path, tokens: int, dollars: float) -> Subject:
    """A program that says nothing of what it used: each call that was begun counts as declared."""
    programs = Programs(folder / "programs")
    clause = (
        f'(command "{programs.program}" "--text" (environment "COPILOT_STANDIN" "COPILOT_STANDIN_PIDS") '
        f"(assume (tokens {tokens}) (dollars {dollars})))"
    )
    return _declared(programs, clause, tokens, tokens, dollars)


def copilot(folder: Path, tokens: int, dollars: float) -> Subject:
    """The Copilot CLI's stand-in, which says what it used at its end: 5,070 tokens, and no dollars."""
    programs = Programs(folder / "programs")
    clause = f"(copilot (assume (tokens {tokens}) (dollars {dollars})))"
    return _declared(programs, clause, tokens, 5070, dollars)


def _declared(programs: Programs, clause: str, most: int, used: int, dollars: float) -> Subject:
    begun = programs.folder / "marks" / "begun"

    def calls() -> int:
        return begun.stat().st_size if begun.exists() else 0

    return Subject(
        clause,
        lambda: used * calls(),
        environment={**programs.environment(), "GH_TOKEN": "test-token-of-nobody"},
        dollars=lambda: dollars * calls(),
        stride=most * 30,
    )
