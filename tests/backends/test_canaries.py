"""No key and no password is written or shown, whatever servers say back of what they hear."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("anthropic")
pytest.importorskip("ollama")

from lisppump.testing import Simulation
from tests.backends import servers as wire
from tests.backends.servers import Answer, Asked, Server
from tests.backends.worlds import NAMES, world
from tests.conftest import ROOT

CANARIES = {
    "ANTHROPIC_API_KEY": "canary-anthropic-7f3k",
    "OLLAMA_API_KEY": "canary-ollama-9d2m",
    "GH_TOKEN": "canary-github-4h6j",
    "OPENAI_API_KEY": "canary-openai-2c5v",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Gateway: canary-gateway-8b1n",
    "HTTPS_PROXY": "http://user:canary-proxy-5x1p@127.0.0.1:9",
}
URL_PASSWORD = "canary-url-3w8q"
BASIC = base64.b64encode(f"user:{URL_PASSWORD}".encode()).decode()


def echo(asked: Asked) -> str:
    """All that a server could say back of who asked."""
    return f"you sent {json.dumps(asked.headers)}"


def claude(asked: Asked) -> Answer:
    """A failure, or an answer, of every kind, one in each room."""
    said = echo(asked)
    if asked.method == "GET":
        return wire.error(403, "permission_error", said)
    (name,) = wire.rooms(asked, NAMES)
    kinds: dict[str, Callable[[], Answer]] = {
        "ann": lambda: wire.error(401, "authentication_error", said),
        "bob": lambda: Answer(
            [wire.start(said), *wire.said(said), wire.event("error", error={"type": "x", "message": said})],
            headers=wire.SSE,
        ),
        "cid": lambda: Answer([said.encode(), b"\n\n"], headers=wire.SSE),
        "dee": lambda: wire.message(json.dumps({"lines": [{"agent": "dee", "text": said}], said: [said]})),
        "eve": lambda: wire.message(said),
        "fay": lambda: Answer([said.encode()], 500, {"x-said": said, "content-type": "text/html"}),
    }  # fmt: skip
    return kinds[name]()


def ollama(asked: Asked) -> Answer:
    said = echo(asked)
    if asked.method == "GET":
        return Answer([json.dumps({"models": [{"model": said}]}).encode()])
    (name,) = wire.rooms(asked, NAMES)
    kinds: dict[str, Callable[[], Answer]] = {
        "ann": lambda: wire.wrong(401, said),
        "bob": lambda: Answer([wire.line(said, model=said), json.dumps({"error": said}).encode()]),
        "cid": lambda: Answer([json.dumps({"message": said}).encode()]),
        "dee": lambda: wire.lines(json.dumps({"lines": [{"agent": "dee", "text": said}]})),
        "eve": lambda: wire.lines(said),
        "fay": lambda: Answer([wire.line(said)], end="cut"),
    }
    return kinds[name]()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def environment(monkeypatch: pytest.MonkeyPatch, server: Server, password: bool) -> None:
    for name in (*os.environ,):
        if name.startswith(("ANTHROPIC_", "OLLAMA_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    at = f"user:{URL_PASSWORD}@" if password else ""
    url = f"http://{at}127.0.0.1:{server.port}"
    more = {
        "ANTHROPIC_BASE_URL": url, "OLLAMA_HOST": url, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    for name, value in {**CANARIES, **more}.items():
        monkeypatch.setenv(name, value)


def shown(made: Simulation, *lines: str) -> bytes:
    """Both outputs of command lines, one after the other."""
    found = b""
    for line in lines:
        outcome = made.lisppump(*line.split())
        assert outcome.code in (0, 1), outcome.err
        found += (outcome.out + outcome.err).encode()
    return found


def ran(made: Simulation) -> bytes:
    """Both outputs of a run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "lisppump", "-C", str(made.folder), "run", "--frames", "2"],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr and done.returncode == 0, done.stderr.decode()
    return done.stdout + done.stderr


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, packed ones also unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield str(path), data
            for unpack in (zlib.decompress, gzip.decompress, lambda raw: zlib.decompress(raw, -15)):
                try:
                    yield f"{path} (unpacked)", unpack(data)
                except (zlib.error, OSError, EOFError):
                    continue


def places(data: bytes) -> list[int]:
    """Where a secret stands in it."""
    return [match.start() for match in re.finditer(rb"canary|" + BASIC.encode(), data)]


@pytest.mark.parametrize("password", [False, True], ids=["key", "password"])
@pytest.mark.parametrize("kind", ["claude", "ollama"])
def test_nothing_that_is_written_or_shown_holds_a_secret(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, kind: str, password: bool
) -> None:
    server.answer = claude if kind == "claude" else ollama
    backend = f'({kind} (model "m") (max-tokens 100))'
    made = world(
        tmp_path / "world", backend, more="\n  (budget (per run) (tokens 1000000) (when-spent none))"
    )
    environment(monkeypatch, server, password)
    told = ran(made) + shown(
        made, "status --json", "show HEAD --json", "show HEAD", "doctor", "doctor --json", "plan --json",
        "plan --prompt 1", "log --json", "quarantine --json", "why ann --json", "replay --json",
    )  # fmt: skip
    heard = "".join(json.dumps(asked.headers) for asked in server.asked)
    mine = CANARIES["ANTHROPIC_API_KEY" if kind == "claude" else "OLLAMA_API_KEY"]
    assert (
        (BASIC in heard) if password and kind == "claude" else (mine in heard)
    )  # the test does test something
    asked = b"".join(asked.body for asked in server.asked)
    found = [("what was shown", told), ("what was asked", asked), *written(made.folder)]
    for where, data in found:
        leaked = [data[max(0, place - 200) : place + 60] for place in places(data)]
        assert not leaked, (where, leaked)
    assert b"[secret]" in told and b"you sent" in told
    assert any(b"you sent" in data for where, data in found if "journal" in where)


def test_a_password_in_a_policy_is_refused_before_anything_is_written(tmp_path: Path, server: Server) -> None:
    for kind, option in (("claude", "base-url"), ("ollama", "host")):
        backend = f'({kind} (model "m") ({option} "http://user:{URL_PASSWORD}@127.0.0.1:{server.port}"))'
        made = world(tmp_path / kind, backend)
        said = made.lisppump("run", "--frames", "1")
        assert said.code != 0 and "canary" not in said.out + said.err and option in said.err
        assert not (made.folder / ".lisppump").exists() and not server.asked
