"""Programs from npm for slow tests: installed once into a cache folder, or else the test is skipped.

The folder is $LISPPUMP_TEST_CACHE, or lisppump-tests in the user's cache. Another test than a slow one never
asks for them.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import pytest

COPILOT = "@github/copilot@1.0.102"
AIMOCK = "@copilotkit/aimock@1.43.0"
BINARIES = {COPILOT: "copilot", AIMOCK: "llmock"}


def cache() -> Path:
    """Where slow tests keep what they install."""
    named = os.environ.get("LISPPUMP_TEST_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("lisppump-tests"))


def binary(package: str) -> Path:
    """The executable of a package, installed if need be; where that cannot be, the test is skipped."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = cache() / "npm" / package.strip("@").replace("/", "-")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "node_modules" / ".bin" / BINARIES[package]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            command = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", package]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
            if done.returncode != 0 or not file.exists():
                pytest.skip(f"npm could not install {package}: {done.stderr.strip()[-300:]}")
    return file


@dataclass
class Aimock:
    """A server that answers as its fixtures say, and remembers what it was asked."""

    address: str

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far, in their order: path, headers, body."""
        with urllib.request.urlopen(f"{self.address}/v1/_requests", timeout=10) as answer:
            return list(json.load(answer))


@contextlib.contextmanager
def aimock(folder: Path, fixtures: Sequence[dict[str, Any]], *flags: str) -> Iterator[Aimock]:
    """A running aimock with fixtures of its form: `{"match": {"userMessage": "x"}, "response": {...}}`."""
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(binary(AIMOCK)), "-p", str(port), "-f", str(file), "--log-level", "warn", *flags]
    with (folder / "aimock.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_for(port, process, folder / "aimock.log")
        yield Aimock(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.05)
