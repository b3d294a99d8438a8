"""Little room on the disk is said; with next to none no frame is begun, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.disk import Disk, StateError
from lisppump.room import note_of_room, require_room
from lisppump.testing import FaultyDisk, Image
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
NOTE = "only 33.0 GB (3.0%) of the disk are free; under 1% no frame is begun"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    return tmp_path


def documents(world: Path) -> dict[str, bytes]:
    """All files but the remark on how the last run ended."""
    return {name: data for name, data in Image.read(world).files.items() if name != ".lisppump/lately"}


def test_enough_room_is_not_spoken_of(world: Path) -> None:
    disk = FaultyDisk()
    disk.free = 0.06
    with Pump.open(world, disk=disk) as pump:
        (report,) = pump.step()
        assert not any("free" in note for note in (*report.notes, *pump.status().notes))


def test_little_room_stands_in_the_report_and_in_status(world: Path) -> None:
    disk = FaultyDisk()
    disk.free = 0.03
    with Pump.open(world, disk=disk) as pump:
        for report in pump.step(2):
            assert report.notes[0] == NOTE
        assert pump.status().notes[0] == NOTE


def test_next_to_no_room_stops_the_run_before_anything_is_written(world: Path) -> None:
    disk = FaultyDisk()
    disk.free = 0.005
    with Pump.open(world, disk=disk) as pump, pytest.raises(StateError) as caught:
        pump.step()
    assert (caught.value.code, caught.value.exit_code) == ("disk-full", 5)
    assert "only 5.5 GB (0.5%) of the disk that holds" in caught.value.message
    assert disk.count == 0 and sorted(path.name for path in world.iterdir()) == ["pump.lisp"]


def test_a_run_that_the_room_stopped_goes_on_when_there_is_some(world: Path) -> None:
    disk = FaultyDisk()
    with Pump.open(world, disk=disk) as pump:
        pump.step()
        before, disk.free = documents(world), 0.009
        with pytest.raises(StateError, match="no frame is begun"):
            pump.run(3)
        assert documents(world) == before
        assert pump.status().frame == 1
        disk.free = 0.5
        assert [report.frame for report in pump.run(2)] == [2, 3]


def test_a_disk_that_does_not_say_is_none_that_is_full(tmp_path: Path) -> None:
    class Silent(Disk):
        def room(self, path: str) -> tuple[int, int]:
            raise OSError

    class Odd(Disk):
        def room(self, path: str) -> tuple[int, int]:
            return 0, 0

    for disk in (Silent(), Odd()):
        assert note_of_room(disk, tmp_path) is None
        require_room(disk, tmp_path)


def test_the_room_is_that_of_the_folder_or_of_the_one_it_will_be_in(tmp_path: Path) -> None:
    asked = []

    class Asked(Disk):
        def room(self, path: str) -> tuple[int, int]:
            asked.append(path)
            return super().room(path)

    require_room(Asked(), tmp_path / ".lisppump")
    assert asked == [str(tmp_path)]
