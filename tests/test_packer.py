"""Packing beside everything else: a process does what a thread would; whatever becomes of it, it is done."""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from lisppump import packer, packing, packing_child
from lisppump.records import lines_of
from lisppump.segments import Summary, Table, path_of, summary


def segment(folder: Path, count: int = 400) -> tuple[Path, Summary]:
    """A finished segment of so many records, and what is known of it."""
    rows = [("reply", {"frame": 1, "text": f"{number} " * 20}) for number in range(count)]
    data, _, last = lines_of(rows, 1, "")
    table = Table(1)
    for _ in rows:
        table.note("reply", 1, 0)
    path = path_of(folder, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path, summary(1, table, "", last, len(data), None)


def packed(path: Path, said: Summary) -> list[bytes] | None:
    made: Future[list[bytes] | None] = Future()
    packer._pack(path, said, made)
    return made.result(timeout=0)


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every segment is large enough for a process."""
    monkeypatch.setattr(packer, "LARGE", 0)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the segments that were packed in this process."""
    seen, usual = [], packer._here

    def noted(path: Path, said: Summary) -> list[bytes] | None:
        seen.append(said.number)
        return usual(path, said)

    monkeypatch.setattr(packer, "_here", noted)
    return seen


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("block", [2000, packing.BLOCK])
def test_a_process_packs_as_a_thread_does(tmp_path: Path, block: int, here: list[int]) -> None:
    path, said = segment(tmp_path)
    found = packed(path, said)
    assert found == [*packing.members(path.read_bytes())] and here == []
    assert found is not None and packing_child.read(packing_child.said(found), said.size) == found


@pytest.mark.usefixtures("apart")
def test_nobody_waits_for_others_who_have_the_pipe_open(
    tmp_path: Path, here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is forked elsewhere just then inherits it, and may live as long as it likes."""
    forks = "import os, time; os.fork() or (time.sleep(3600), os._exit(0)); "
    kills = "import sys; sys.stdout.flush(); os.killpg(0, 9)"
    monkeypatch.setattr(packer, "BOOT", f"{forks}{packer.BOOT}; {kills}")
    path, said = segment(tmp_path)
    assert packed(path, said) == [*packing.members(path.read_bytes())] and here == []


@pytest.mark.usefixtures("apart")
def test_a_process_finds_a_segment_that_is_not_what_was_written(tmp_path: Path, here: list[int]) -> None:
    path, said = segment(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert packed(path, said) is None and here == []


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize(
    "boot",
    [
        "import os; os.kill(os.getpid(), 9)",
        "raise SystemExit(1)",
        "import nothing_of_that_name",
        "import sys; sys.stdout.write('+')",
        "import sys; sys.stdout.write('what?')",
        "import sys, time; sys.stdout.write('+' + 8 * '\\0'); sys.stdout.flush(); time.sleep(1000)",
        "import time; time.sleep(1000)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    ],
)
def test_where_a_process_does_not_come_to_its_end_it_is_done_here(
    tmp_path: Path, boot: str, here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packer, "BOOT", boot)
    monkeypatch.setattr(packer, "PATIENCE", 0.2)
    path, said = segment(tmp_path)
    assert packed(path, said) == [*packing.members(path.read_bytes())] and here == [1]


@pytest.mark.usefixtures("apart")
@pytest.mark.parametrize("python", ["", "/no/such/python", os.devnull])
def test_where_no_process_can_be_had_it_is_done_here(
    tmp_path: Path, python: str, here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", python)
    path, said = segment(tmp_path)
    assert packed(path, said) == [*packing.members(path.read_bytes())] and here == [1]


def test_a_small_segment_is_worth_no_process(
    tmp_path: Path, here: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(packer, "_apart", never)
    path, said = segment(tmp_path)
    assert said.size < packer.LARGE and packed(path, said) and here == [1]


def test_what_a_process_was_kept_from_saying_is_missed(tmp_path: Path) -> None:
    path, said = segment(tmp_path, 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "BLOCK", 1000)
        whole = packing_child.said([*packing.members(path.read_bytes())])
    assert packing_child.read(packing_child.said(None), said.size) is None
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="cut short"):
            packing_child.read(whole[:length], said.size)


@pytest.mark.usefixtures("apart")
def test_a_segment_that_is_gone_is_an_error(tmp_path: Path) -> None:
    path, said = segment(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        packed(path, said)
