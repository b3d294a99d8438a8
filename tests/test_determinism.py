"""Two runs of one world leave the same bytes, whatever the hash seed and whoever answers first."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WORLDS = {
    "rooms": ROOT / "tests" / "simulations" / "rooms.lisp",
    "colony": ROOT / "pump.lisp",
    "agora": ROOT / "lisp_lib" / "world_agora.lisp",
}

RUN = """
import sys
from lisppump.pump import Pump
from lisppump.testing import Reversed

folder, frames, turned = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "reversed"
with Pump.open(folder) as pump:
    backends = {alias: Reversed(backend) for alias, backend in pump.rig.backends.items()} if turned else {}
with Pump.open(folder, backends=backends) as pump:
    reports = pump.step(frames)
if turned:
    first = next(iter(backends.values())).answered[: len(reports[0].deltas)]
    assert first == sorted(first, reverse=True) and len(first) > 1, first
"""


def _same_twice(folder: Path, world: Path, state: Path | None, frames: int) -> None:
    """Run a world straight under one hash seed and reversed under another: the states are the same."""
    runs = []
    for seed, order in (("1", "straight"), ("77", "reversed")):
        root = folder / order
        root.mkdir()
        shutil.copyfile(world, root / "pump.lisp")
        if state is not None:
            shutil.copytree(state, root / "state")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", RUN, str(root), str(frames), order]
        runs.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for run in runs:
        _, said = run.communicate()
        assert run.returncode == 0, said
    straight, turned = _files(folder / "straight" / "state"), _files(folder / "reversed" / "state")
    assert straight.keys() == turned.keys()
    assert [name for name in straight if straight[name] != turned[name]] == []
    assert any(name.startswith("stream_deltas/") for name in straight)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_neither_the_hash_seed_nor_who_answers_first_changes_a_byte(tmp_path: Path, name: str) -> None:
    _same_twice(tmp_path, WORLDS[name], None, frames=4)


@pytest.mark.slow
def test_the_real_network_lives_the_same_ten_frames_twice(tmp_path: Path, shared_data: Path) -> None:
    _same_twice(tmp_path, WORLDS["agora"], shared_data / "rappterbook" / "state", frames=10)
