"""branch: a copy with the whole history, which goes on by itself, whatever the world does meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lisppump import Pump
from lisppump.branching import branch
from lisppump.disk import Disk
from tests.cli_support import Lisppump
from tests.faults import Crash
from tests.rewinding import documents, files, whole
from tests.rewinding import world as simulation_of
from tests.test_cli_rollback import lisppump as lisppump
from tests.test_cli_rollback import world as world


def test_both_go_on_by_themselves(lisppump: Lisppump, world: Path) -> None:
    before = files(world)
    made = lisppump("-C", world, "branch", "what-if", "--json")
    other = world.parent / "what-if"
    assert made.json["folder"] == str(other) and (made.json["node"], made.json["frame"]) == ("what-if", 4)
    assert files(other) == before == files(world)
    assert lisppump("-C", other, "show", "--json").json == lisppump("-C", world, "show", "--json").json
    lisppump("-C", other, "step", "-q")
    lisppump("-C", world, "step", "-n", "2", "-q")
    assert lisppump("-C", other, "status", "--json").json["node"] == "what-if"
    assert lisppump("-C", other, "show", "--json").json["deltas"][0]["node"] == "what-if"
    assert (other / "state" / "stream_deltas" / "frame-000005-stream-0001-what-if.json").is_file()
    for folder, last in ((other, 5), (world, 6)):
        assert lisppump("-C", folder, "replay").out == f"frames 1..{last} come out as they were\n"


def test_it_may_begin_at_an_earlier_frame(lisppump: Lisppump, world: Path) -> None:
    wanted = lisppump("-C", world, "show", "2", "--json").json["digest"]
    made = lisppump("-C", world, "branch", "b", "--at", "HEAD~2", "--dir", world.parent / "x" / "y")
    assert made.out.splitlines()[0].endswith("y is a branch at frame 2, called b")
    other = world.parent / "x" / "y"
    shown = lisppump("-C", other, "show", "--json").json
    assert (shown["frame"], shown["digest"]) == (2, wanted)
    lisppump("-C", other, "undo", "--yes")
    assert lisppump("-C", other, "status", "--json").json["frame"] == 4
    whole(other)


def test_what_it_refuses(lisppump: Lisppump, world: Path) -> None:
    (world.parent / "full").mkdir()
    (world.parent / "full" / "file").write_text("mine")
    for words, code in (
        (["full"], "folder-not-empty"),
        (["local"], "bad-branch"),
        (["../up"], "bad-branch"),
        (["b", "--at", "9"], "no-such-frame"),
    ):
        told = lisppump("-C", world, "branch", *words)
        assert told.code == 1 and f"error[{code}]" in told.err
    assert [path.name for path in sorted(world.parent.iterdir())] == ["full", "world"]
    assert "would be a branch" in lisppump("-C", world, "branch", "b", "--dry-run").out
    assert not (world.parent / "b").exists()


def test_what_it_does_not_take_over_is_said(
    lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world / "plugins").mkdir()
    (world / "plugins" / "mine.py").write_text("")
    (world / "state" / "rules.md").write_text("be kind")
    made = lisppump("-C", world, "branch", "b", "--json").json
    assert any("rules.md" in note for note in made["notes"])
    assert any("trust" in note for note in made["notes"])
    assert (world.parent / "b" / "plugins" / "mine.py").is_file()
    assert not (world.parent / "b" / "state" / "rules.md").exists()


def test_of_a_run_that_is_going(tmp_path: Path) -> None:
    simulation, mind = simulation_of(tmp_path / "world")
    simulation.run(2)
    with Pump.open(tmp_path / "world") as looking:
        made = []

        async def pour(request: object) -> object:
            if not made:
                made.append(branch(looking, "b"))
            return await type(mind).pour(mind, request)

        mind.pour = pour  # type: ignore[method-assign]
        simulation.run(1)
    assert made[0].frame == 2
    whole(tmp_path / "b")
    other, _ = simulation_of(tmp_path / "b")
    other.run(1)
    with Pump.open(tmp_path / "b") as pump, Pump.open(tmp_path / "world") as first:
        assert documents(pump) == documents(first)
    whole(tmp_path / "world")


def test_a_torn_tail_is_cut_in_the_copy_alone(tmp_path: Path) -> None:
    simulation, _ = simulation_of(tmp_path / "world")
    simulation.run(2)
    (segment,) = (tmp_path / "world" / ".lisppump" / "journal").iterdir()
    torn = segment.read_bytes() + b"00000099 0123"
    segment.write_bytes(torn)
    with Pump.open(tmp_path / "world") as pump:
        assert branch(pump, "b").frame == 2
    assert segment.read_bytes() == torn
    whole(tmp_path / "b")


def test_one_that_dies_leaves_nothing_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation, _ = simulation_of(tmp_path / "world")
    simulation.run(1)
    renames = Disk.rename

    def dies(disk: Disk, source: str, target: str) -> None:
        if os.path.basename(target) == "b":
            raise Crash
        renames(disk, source, target)

    with Pump.open(tmp_path / "world") as pump:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(Disk, "rename", dies)
            branch(pump, "b")
        assert not (tmp_path / "b").exists()
        assert (tmp_path / ".b.making").is_dir()
        (tmp_path / ".b.making" / "rest").write_text("of one that was killed")
        branch(pump, "b")
    assert not (tmp_path / "b" / "rest").exists()
    whole(tmp_path / "b")
