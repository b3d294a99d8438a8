"""Kills of the real process at random moments of frames with 138 pipes: nothing is lost or paid for twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.killing import kill


def _holds(folder: Path, times: int) -> None:
    book = kill(folder, times=times)
    print(book)
    assert book.kills == times
    assert book.repeated == []
    assert book.per_finished == 1
    assert book.open_frames >= times // 4
    assert book.frames >= 2


def test_a_run_that_is_killed_twenty_times_asks_for_nothing_twice(tmp_path: Path) -> None:
    _holds(tmp_path, 20)


@pytest.mark.slow
def test_a_run_that_is_killed_two_hundred_times_asks_for_nothing_twice(tmp_path: Path) -> None:
    _holds(tmp_path, 200)
