"""The process dies between any two acts of a frame: what it leaves behind goes on as if it had not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.documents import digest
from lisppump.files import Files
from lisppump.history import Past
from lisppump.reservoir import Store
from tests.conftest import ROOT
from tests.faults import Crash, die

COLONY = ROOT / "pump.lisp"
ROOMS = ROOT / "tests" / "simulations" / "rooms.lisp"


def world(folder: Path, policy: Path) -> Path:
    folder.mkdir()
    shutil.copyfile(policy, folder / "pump.lisp")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """All documents; delta files say which opening of the world made them, and are left out."""
    root = folder / "state"
    found = [path for path in sorted(root.rglob("*")) if path.is_file() and "stream_deltas" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.mark.parametrize("act", ["tock", "_show"])
def test_a_run_that_dies_after_its_commit_goes_on_as_if_it_had_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    whole, broken = world(tmp_path / "whole", COLONY), world(tmp_path / "broken", COLONY)
    with Pump.open(whole) as pump:
        pump.step(4)
    real: Callable[..., Any] = getattr(Store, act)

    def dies(store: Store, *args: Any, **options: Any) -> Any:
        if store._head.number == 2:
            raise Crash
        return real(store, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Store, act, dies)
        pump = Pump.open(broken)
        with pytest.raises(Crash):
            pump.step(4)
        die(pump.store)
    with Pump.open(broken) as pump:
        assert pump.head.number == 2
        pump.step(2)
    assert files(broken) == files(whole)


def check(folder: Path) -> int:
    """The newest frame; the journal has all its documents, and every delta that was ever committed."""
    view = Files(folder / "state")
    with Store.open(folder, view, write=False) as store:
        past = Past(store._journal, store._head.latest)
        for name, said in store._head.documents.items():
            assert digest(name, past.value(name)) == said["digest"]
        for commit in store.commits():
            came = {(delta.epoch, delta.stream): delta.digest for delta in store.deltas(commit["frame"])}
            for key in commit["deltas"]:
                assert came[key["epoch"], key["stream"]] == key["digest"]
        numbers = [commit["frame"] for commit in store.commits()]
        assert numbers == list(range(1, len(numbers) + 1))
        return store._head.number


def run(folder: Path, frames: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lisppump", "-C", str(folder), "run", "--quiet", "--frames", str(frames)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def _killed(tmp_path: Path, times: int) -> None:
    """Kill a run again and again, where the growth of its journal says; then compare with a whole one."""
    dice = random.Random(1)
    folder = world(tmp_path / "killed", ROOMS)
    journal = folder / ".lisppump" / "journal" / "00000001.log"
    last = 0
    for _ in range(times):
        began = journal.stat().st_size if journal.exists() else 0
        wanted = began + dice.randrange(1, 60_000)
        process = run(folder, 100_000)
        while process.poll() is None and not (journal.exists() and journal.stat().st_size >= wanted):
            pass
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        number = max(check(folder), 0)
        assert number >= last
        _, said = (after := run(folder, 1)).communicate()
        assert after.returncode == 0, said
        last = check(folder)
        assert last == number + 1
    whole = world(tmp_path / "whole", ROOMS)
    with Pump.open(whole) as pump:
        pump.step(last)
    assert files(folder) == files(whole)


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    _killed(tmp_path, times=3)


@pytest.mark.slow
def test_a_process_killed_thirty_times_loses_nothing(tmp_path: Path) -> None:
    _killed(tmp_path, times=30)
