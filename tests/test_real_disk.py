"""The kernel itself refuses: a file that may not grow, a file system that is full. The run ends with 5."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.test_crashes import check, files

ROOMS = ROOT / "tests" / "simulations" / "rooms.lisp"
LISPPUMP = [sys.executable, "-m", "lisppump"]


def run(world: Path, frames: int, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LISPPUMP, "-C", str(world), "run", "--quiet", "--frames", str(frames)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def world(folder: Path) -> Path:
    folder.mkdir()
    shutil.copyfile(ROOMS, folder / "pump.lisp")
    return folder


def lived(folder: Path, frames: int) -> dict[str, bytes]:
    """The documents of a world that nothing disturbed."""
    assert run(world(folder), frames).returncode == 0
    return files(folder)


def check_goes_on(folder: Path, whole: Path, *, last: int) -> None:
    """The world is whole, and some frames later it is what it would have been."""
    number = check(folder)
    assert number >= 1
    assert run(folder, last - number).returncode == 0
    assert check(folder) == last
    assert files(folder) == lived(whole, last)


def test_a_file_that_may_not_grow_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    folder = world(tmp_path / "limited")
    assert run(folder, 1).returncode == 0
    size = sum(path.stat().st_size for path in (folder / ".lisppump" / "journal").iterdir())

    def limit() -> None:  # the interpreter ignores SIGXFSZ, so that the write fails with EFBIG
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * size + 100, resource.RLIM_INFINITY))

    done = run(folder, 20, preexec_fn=limit)
    assert done.returncode == 5, done.stderr
    assert "error[disk]: writing the journal failed: file too large" in done.stderr
    assert "Traceback" not in done.stderr
    check_goes_on(folder, tmp_path / "whole", last=8)


SCRIPT = """
set -e
mount -t tmpfs -o size=$SIZE none "$WORLD"
cp "$POLICY" "$WORLD/pump.lisp"
set +e
"$PYTHON" -m lisppump -C "$WORLD" run --quiet --frames 1000 2>"$SAID"
echo $? >"$CODE"
cp -a "$WORLD" "$COPY"
"""


@pytest.mark.parametrize("size", ["200k", "400k"])
def test_a_file_system_that_is_full_ends_the_run_and_loses_nothing(tmp_path: Path, size: str) -> None:
    unshare = shutil.which("unshare")
    trial = [unshare or "", "-rm", "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if unshare is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    (tmp_path / "small").mkdir()
    copy, said, code = tmp_path / "copy", tmp_path / "said", tmp_path / "code"
    subprocess.run(
        [unshare, "-rm", "sh", "-c", SCRIPT],
        env={
            **os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable, "SIZE": size,
            "WORLD": str(tmp_path / "small"), "POLICY": str(ROOMS), "COPY": str(copy), "SAID": str(said),
            "CODE": str(code),
        },
        cwd=ROOT,
        check=True,
    )  # fmt: skip
    assert code.read_text().strip() == "5", said.read_text()
    assert "error[disk]" in said.read_text() or "error[disk-full]" in said.read_text()
    assert "Traceback" not in said.read_text()
    check_goes_on(copy, tmp_path / "whole", last=check(copy) + 2)
