"""Whole frames of five pipes whose disk stops, fails, fills up or loses its power at any operation."""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump, journal, reservoir, spare
from lisppump.disk import StateError
from lisppump.errors import LisppumpError
from lisppump.report import Event
from lisppump.testing import Crash, FaultyDisk, Image, image_of, power_cuts
from tests.faulty_worlds import FRAMES, World, check_whole, settled, state_of, synced_calls


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, FaultyDisk, dict[str, Any]]:
    """A life that nothing disturbs."""
    world, disk = World(tmp_path_factory.mktemp("whole") / "world"), FaultyDisk()
    world.life(disk)
    assert set(world.backend.asked.values()) == {1}
    return world, disk, state_of(world.folder)


@pytest.fixture
def rolling(ram_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[World, FaultyDisk, dict[str, Any]]:
    """A life in which the journal goes on in new segments, and packs the old ones."""
    monkeypatch.setattr(journal, "SEGMENT", 6000)
    world, disk = World(ram_path / "rolling"), FaultyDisk()
    world.life(disk)
    assert sum(operation.target.endswith(".log.gz") for operation in disk.trace) >= 2
    return world, disk, state_of(world.folder)


def _around_rolls(whole: Whole, every: int) -> list[int]:
    """The changes with which a new segment begins: snapshots, tables, packing."""
    parts = ("/snap", "/cache", "/packed", "/journal", ".gz")
    found = {
        i - 1 + near
        for i, operation in enumerate(whole[1].trace)
        if any(part in f"{operation.path} {operation.target}" for part in parts) and operation.kind != "write"
        for near in (-1, 0, 1)
    }
    return sorted(found)[::every]


Whole = tuple[World, FaultyDisk, dict[str, Any]]


def _stopped(ram_path: Path, whole: Whole, stops: Iterable[int], *, torn: bool) -> set[int]:
    """The newest frames that were found after the stops."""
    frames = Counter[int]()
    for k in stops:
        world, disk = type(whole[0])(ram_path / str(k)), FaultyDisk(k, torn=torn)
        try:
            world.life(disk)
        except (Crash, LisppumpError):  # where it stops in a stage, that is blamed
            assert disk.count == k
        disk.die()
        told = max((frame for frame, _ in world.told), default=0)
        disk = FaultyDisk()
        asked = Counter(world.backend.asked)
        with world.open(disk) as pump:
            number = pump.head.number
            frames[number] += 1
            assert told <= number <= told + 1
            finished = settled(pump)
            world.live(pump, disk)
            after = settled(pump)
        assert {call: after[call] for call in finished} == finished
        for call in finished:
            assert world.backend.asked[call] == asked[call], f"{call} was asked again after a stop at {k}"
        assert state_of(world.folder) == whole[2], f"stopped before operation {k}"
        check_whole(world)
        shutil.rmtree(world.folder)
    return set(frames)


@pytest.mark.parametrize("torn", [False, True])
def test_a_process_that_stops_loses_nothing(ram_path: Path, whole: Whole, torn: bool) -> None:
    found = _stopped(ram_path, whole, range(int(torn), whole[1].count, 5), torn=torn)
    assert found == {*range(FRAMES + 1)}


def test_a_process_that_stops_while_it_shows_a_frame_among_answers_loses_nothing(
    ram_path: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view of a frame is written when the pipes of the next are out: here before the first answers."""
    monkeypatch.setattr(spare, "SOON", 0.0)
    world, disk = World(ram_path / "early"), FaultyDisk()
    world.life(disk)
    assert state_of(world.folder) == whole[2]
    shown = [i for i, one in enumerate(disk.trace) if one.path.endswith("posts.jsonl") and one.data]
    answers = [i for i, one in enumerate(disk.trace) if b'"kind":"reply"' in one.data]
    assert shown[0] < answers[-1]
    assert _stopped(ram_path, whole, range(2, disk.count, 7), torn=False) == {*range(FRAMES + 1)}


class Quick(World):
    """One whose frames follow each other quickly, so that they are shown together at the end."""

    def live(self, pump: Pump, disk: FaultyDisk) -> None:
        """All frames that are missing by one run."""

        def hear(event: Event) -> None:
            if event.report is not None:
                self.told.append((event.frame, len(disk.trace)))

        if pump.store.head is not None and pump.head.number == FRAMES:
            return super().live(pump, disk)
        pump.listeners.append(hear)
        pump.step(FRAMES - (pump.head.number if pump.store.head is not None else 0))


@pytest.mark.parametrize("torn", [False, True])
def test_a_process_that_stops_while_frames_are_shown_together_loses_nothing(
    ram_path: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch, torn: bool
) -> None:
    monkeypatch.setattr(reservoir, "OFTEN", float("inf"))
    world, disk = Quick(ram_path / "quick"), FaultyDisk()
    world.life(disk)
    assert state_of(world.folder) == whole[2]
    commits = [i for i, one in enumerate(disk.trace) if b'"kind":"commit"' in one.data]
    shown = [i for i, one in enumerate(disk.trace) if one.path.endswith("posts.jsonl") and one.data]
    assert len(commits) == FRAMES and shown[0] > commits[-1]
    stops = range(int(torn), disk.count, 5)
    assert _stopped(ram_path, (world, disk, whole[2]), stops, torn=torn) == {*range(FRAMES + 1)}


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True])
def test_a_process_that_stops_anywhere_loses_nothing(ram_path: Path, whole: Whole, torn: bool) -> None:
    assert _stopped(ram_path, whole, range(whole[1].count), torn=torn) == {*range(FRAMES + 1)}


def test_a_process_that_stops_while_the_journal_rolls_loses_nothing(ram_path: Path, rolling: Whole) -> None:
    assert len(_stopped(ram_path, rolling, _around_rolls(rolling, 6), torn=False)) > 1


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True])
def test_a_process_that_stops_anywhere_in_small_segments_loses_nothing(
    ram_path: Path, rolling: Whole, torn: bool
) -> None:
    assert _stopped(ram_path, rolling, range(rolling[1].count), torn=torn) == {*range(FRAMES + 1)}


def _cut(ram_path: Path, whole: Whole, *, seeds: int, every: int = 1, offset: int = 0) -> int:
    world, disk, wanted = whole
    seen, number = set(), 0
    ways = ((k, *way) for k in range(len(disk.trace) + 1) for way in power_cuts(disk.trace, k, seeds=seeds))
    for i, (k, name, fates) in enumerate(ways):
        if i % every == offset:
            image = image_of(disk.trace, k, fates, root=world.folder, base=_base())
            if image.key in seen:
                continue
            synced = synced_calls(disk.trace, k)
            told = max((frame for frame, after in world.told if after <= k), default=0)
            seen.add(image.key)
            number += 1
            left = World(ram_path / "cut")
            image.write(left.folder)
            left.new = False
            try:
                _check_cut(left, wanted, told, synced)
            except BaseException as error:
                error.add_note(f"after {k} of {len(disk.trace)} operations ({disk.trace[k - 1]}); {name}")
                raise
            shutil.rmtree(left.folder)
    return number


@cache
def _base_of() -> dict[str, bytes]:
    from lisppump.documents import encode
    from tests.faulty_worlds import POLICY, STATE

    return {
        "pump.lisp": POLICY.encode(),
        **{f"state/{name}": encode(name, value) for name, value in STATE.items()},
    }


def _base() -> Image:
    """What lies there before anybody runs it."""
    return Image(dict(_base_of()), {"state"})


def _check_cut(left: World, wanted: dict[str, Any], told: int, synced: set[tuple[int, int]]) -> None:
    disk = FaultyDisk(boot="two")
    with left.open(disk) as pump:
        assert pump.head.number >= told
        finished = settled(pump)
        assert synced <= set(finished)
        left.live(pump, disk)
    assert not set(finished) & set(left.backend.asked)
    assert set(left.backend.asked.values()) <= {1}
    assert state_of(left.folder) == wanted
    check_whole(left)


def test_the_model_is_the_disk(whole: Whole) -> None:
    world, disk, _ = whole
    assert Image.read(world.folder) == image_of(
        disk.trace, len(disk.trace), {}, root=world.folder, base=_base()
    )


def test_a_power_cut_loses_nothing(ram_path: Path, whole: Whole) -> None:
    assert _cut(ram_path, whole, every=97, seeds=2) > 20


@pytest.mark.slow
@pytest.mark.parametrize("offset", range(8))
def test_a_power_cut_anywhere_loses_nothing(ram_path: Path, whole: Whole, offset: int) -> None:
    assert _cut(ram_path, whole, every=8, offset=offset, seeds=24) > 400


@pytest.mark.slow
@pytest.mark.parametrize("offset", range(8))
def test_a_power_cut_anywhere_in_small_segments_loses_nothing(
    ram_path: Path, rolling: Whole, offset: int
) -> None:
    assert _cut(ram_path, rolling, every=8, offset=offset, seeds=12) > 300


def _failed(ram_path: Path, whole: Whole, codes: Iterable[int], places: Iterable[int]) -> None:
    errors = 0
    for k in places:
        for code in codes:
            for lasting in (False, True):
                world, disk = World(ram_path / "failed"), FaultyDisk()
                disk.fail(code, k, lasting=lasting)
                errors += _fails_and_goes_on(world, disk, code)
                assert state_of(world.folder) == whole[2], (k, code, lasting)
                assert max(world.backend.asked.values()) <= 2
                check_whole(world)
                shutil.rmtree(world.folder)
    assert errors


def _fails_and_goes_on(world: World, disk: FaultyDisk, code: int) -> bool:
    """Live until the disk fails; then, when it is well again, in the same pump as far as that goes."""
    pump = world.open(disk)
    failed = False
    try:
        world.live(pump, disk)
    except StateError as error:
        failed = True
        assert error.exit_code == 5
        assert error.code == ("not-writable" if code in (errno.EACCES, errno.EROFS) else "disk"), error
    disk.heal()
    finished = settled(pump)
    asked = Counter(world.backend.asked)
    with world.open(FaultyDisk()) as reader:  # a commit whose sync failed is there, as it turns out
        missing = FRAMES - (reader.head.number if reader.store.head is not None else 0)
    with pump:
        if missing:
            pump.run(missing)
    world.life(FaultyDisk())
    for call in finished:
        assert world.backend.asked[call] == asked[call], call
    return failed


CODES = (errno.ENOSPC, errno.EIO)


def test_a_disk_that_fails_loses_nothing(ram_path: Path, whole: Whole) -> None:
    _failed(ram_path, whole, CODES, range(0, whole[1].count, 11))


def test_a_disk_that_may_not_be_written_loses_nothing(ram_path: Path, whole: Whole) -> None:
    _failed(ram_path, whole, (errno.EROFS, errno.EACCES, errno.EDQUOT), range(3, whole[1].count, 29))


@pytest.mark.slow
@pytest.mark.parametrize("code", [*CODES, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_disk_that_fails_anywhere_loses_nothing(ram_path: Path, whole: Whole, code: int) -> None:
    _failed(ram_path, whole, (code,), range(whole[1].count))


def test_a_disk_that_fails_while_the_journal_rolls_loses_nothing(ram_path: Path, rolling: Whole) -> None:
    _failed(ram_path, rolling, CODES, _around_rolls(rolling, 20))


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_a_disk_that_fails_anywhere_in_small_segments_loses_nothing(
    ram_path: Path, rolling: Whole, code: int
) -> None:
    _failed(ram_path, rolling, (code,), range(rolling[1].count))


def test_writes_that_take_little_at_a_time_are_finished(ram_path: Path, whole: Whole) -> None:
    world, disk = World(ram_path / "short"), FaultyDisk()
    disk.short = 100
    world.life(disk)
    assert state_of(world.folder) == whole[2]
    check_whole(world)
