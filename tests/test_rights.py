"""Folders that may not be written, vanish or belong to others: clear errors, and nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.calling import Reply, Request
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.status import look
from lisppump.testing import FaultyDisk, Image, Simulation
from tests.conftest import ROOT

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
NOBODY = 65534


@pytest.fixture
def world(ram_path: Path) -> Iterator[Path]:
    """A world of two frames in a folder that everybody may enter."""
    folder = ram_path / "world"
    folder.mkdir()
    (folder / "pump.lisp").write_text(ROOMS)
    with Pump.open(folder) as pump:
        pump.step(2)
    for path in (ram_path, folder):
        path.chmod(0o755)
    yield folder
    if os.geteuid() != 0:
        for path in (*folder.rglob("*"), folder):
            path.chmod(0o755)


def as_nobody(act: Callable[[], str]) -> str:
    """What a function gives in a process without rights; an error of ours as its code and sentence."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            said = act()
        except LisppumpError as error:
            said = f"{error.code} {error.exit_code}: {error.message}"
        except BaseException:
            said = traceback.format_exc()
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def stepped(world: Path) -> str:
    with Pump.open(world) as pump:
        return f"frame {pump.step()[0].frame}"


def owned(path: Path, *, by: int) -> None:
    """Give a tree to somebody."""
    for each in (path, *path.rglob("*")):
        os.chown(each, by, by)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")


@needs_root
def test_a_world_of_somebody_else_can_be_looked_at_and_not_run(world: Path) -> None:
    before = Image.read(world)
    assert as_nobody(lambda: stepped(world)).startswith("not-writable 5: opening the folder .lisppump is not")
    assert as_nobody(lambda: f"frame {look(world).status().frame}") == "frame 2"
    assert Image.read(world) == before
    assert stepped(world) == "frame 3"


@needs_root
def test_a_world_that_may_not_even_be_read_says_so(world: Path) -> None:
    (world / ".lisppump").chmod(0o700)
    said = as_nobody(lambda: f"frame {look(world).status().frame}")
    assert said.startswith("not-writable 5: ") or said.startswith("not-readable 5: "), said
    assert stepped(world) == "frame 3"


@needs_root
def test_a_state_folder_that_may_not_be_written_stops_the_run_and_loses_nothing(world: Path) -> None:
    owned(world / ".lisppump", by=NOBODY)
    said = as_nobody(lambda: stepped(world))
    assert said.startswith("not-writable 5: writing state/"), said
    with look(world) as pump:
        assert pump.head.number == 3  # it was committed; only the files lag
        digest = pump.head.digest
    assert stepped(world) == "frame 4"
    with look(world) as pump:
        assert pump.show(3).digest == digest or pump.frame(3).tock
        assert len((world / "state" / "lines.jsonl").read_text().splitlines()) == 4 * 6


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_disk_that_was_mounted_again_for_reading_only(tmp_path: Path, code: int) -> None:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    disk = FaultyDisk()
    with Pump.open(tmp_path, disk=disk) as pump:
        pump.step()
        disk.fail(code, lasting=True)
        with pytest.raises(StateError) as caught:
            pump.step()
        assert (caught.value.code, caught.value.exit_code) == ("not-writable", 5)
        assert caught.value.help == "give the user who runs lisppump the right to read and write there"
        assert pump.status().frame == 1
        disk.heal()
        assert pump.step()[0].frame == 2


def _taking(world: Path, folder: str, at: int) -> Simulation:
    """A world whose backend takes a folder away at its n-th call."""
    calls = []

    class Taking:
        """Says hello, and takes a folder away."""

        async def pour(self, request: Request) -> Reply:
            calls.append(request)
            if len(calls) == at:
                shutil.move(world / folder, world / "taken")
            return Reply(data={"lines": [{"agent": request.agents[0].id, "text": "hi"}]})

    return Simulation(world, ROOMS, backends={"script": Taking()})


@pytest.mark.parametrize("at", [1, 6, 8])
def test_a_state_folder_that_vanishes_while_a_run_goes_on_is_written_again(tmp_path: Path, at: int) -> None:
    whole = Simulation(tmp_path / "whole", ROOMS, backends=_taking(tmp_path, "", 0).backends)
    whole.run(3)
    made = _taking(tmp_path / "a", "state", at)
    with made.open() as pump:
        assert [report.frame for report in pump.run(3)] == [1, 2, 3]
    for name in ("lines.jsonl", "stats.json", "agents.json"):
        assert (tmp_path / "a" / "state" / name).read_bytes() == (
            tmp_path / "whole" / "state" / name
        ).read_bytes()


@pytest.mark.parametrize("at", [1, 8])
def test_a_journal_that_vanishes_while_a_run_goes_on_stops_it(tmp_path: Path, at: int) -> None:
    made = _taking(tmp_path / "a", ".lisppump", at)
    pump = made.open()
    with pytest.raises(StateError) as caught:
        pump.run(3)
    assert caught.value.code in ("gone", "disk"), caught.value
    with pytest.raises(StateError):
        pump.close()
    shutil.rmtree(tmp_path / "a" / ".lisppump", ignore_errors=True)
    shutil.move(tmp_path / "a" / "taken", tmp_path / "a" / ".lisppump")
    with made.open() as pump:
        # Frame 1 was committed into the moved file; where it was to be shown after that, frame 2 goes on.
        assert pump.run(1)[0].frame == 2
        assert [commit["frame"] for commit in pump.store.commits()] == [*range(1, pump.head.number + 1)]
