"""rollback, undo and retry: they say what leaves the line, ask, and say how all of it comes back."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from lisppump import Pump
from tests.cli_support import ROOT, Lisppump, spawn

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path, lisppump: Lisppump) -> Path:
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "pump.lisp").write_text(ROOMS)
    assert lisppump("-C", tmp_path / "world", "step", "-n", "4", "-q").code == 0
    return tmp_path / "world"


def frame(lisppump: Lisppump, world: Path) -> int:
    return int(lisppump("-C", world, "status", "--json").json["frame"])


def test_a_rollback_says_what_leaves_and_how_to_undo_it(lisppump: Lisppump, world: Path) -> None:
    dry = lisppump("-C", world, "rollback", "HEAD~2", "--dry-run")
    assert dry.out == "frame 2 would be the newest; taken back: frames 3..4\n  off the line: 2 frames, 3..4\n"
    assert frame(lisppump, world) == 4
    done = lisppump("-C", world, "rollback", "2", "--yes")
    assert done.code == 0
    assert done.out.splitlines() == [
        "frame 2 is the newest; taken back: frames 3..4",
        "  off the line: 2 frames, 3..4",
        "`lisppump undo` takes this back",
    ]
    assert frame(lisppump, world) == 2
    assert [entry["frame"] for entry in lisppump("-C", world, "log", "--json").lines] == [2, 1]
    told = lisppump("-C", world, "show", "3")
    assert told.code == 1 and "there is no frame 3; the newest is 2" in told.err
    assert lisppump("-C", world, "replay").out == "frames 1..2 come out as they were\n"
    back = lisppump("-C", world, "undo", "--yes", "--json").json
    assert (back["taken"], back["back"], back["frame"]) == ("the rollback to frame 2", [3, 4], 4)
    assert back["schema"] == "lisppump/undo@1"


def test_it_asks_first(lisppump: Lisppump, world: Path) -> None:
    refused = lisppump("-C", world, "rollback", "1", "--no-input")
    assert refused.code == 1 and "error[not-asked]" in refused.err and "--yes" in refused.err
    with patch("lisppump.cli.context.Settings.asks", return_value=True):
        with patch("click.confirm", return_value=False) as asked:
            no = lisppump("-C", world, "rollback", "1")
        assert (no.code, no.out) == (1, "nothing was changed\n")
        assert asked.call_args.args == ("Take back frames 2..4?",)
        assert "off the line: 3 frames, 2..4" in no.err and frame(lisppump, world) == 4
        with patch("click.confirm", return_value=True):
            undone = lisppump("-C", world, "undo")
        assert undone.out.startswith("frame 3 is the newest; taken back: frame 4\n")


def test_nothing_to_take_back(lisppump: Lisppump, world: Path) -> None:
    same = lisppump("-C", world, "rollback", "HEAD", "--no-input")
    assert (same.code, same.out) == (0, "frame 4 is the newest already; nothing was changed\n")
    for number in ("5", "99"):
        gone = lisppump("-C", world, "rollback", number, "--yes")
        assert gone.code == 1 and "error[no-such-frame]" in gone.err
    assert lisppump("-C", world, "rollback", "two", "--yes").code == 2


def test_a_world_that_never_ran(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    for words in (["undo", "--yes"], ["rollback", "0", "--yes"]):
        told = lisppump("-C", tmp_path, *words)
        assert told.code == 1 and "error[nothing-to-undo]" in told.err
    assert not (tmp_path / ".lisppump").exists()


def test_locked(lisppump: Lisppump, world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step()
        for words in (["rollback", "1"], ["undo"], ["retry", "2", "--stream", "1"]):
            outcome = spawn("-C", world, *words, "--yes")
            assert outcome.code == 5 and "error[locked]" in outcome.err
            assert spawn("-C", world, *words, "--dry-run").code == 0


def test_undo_of_a_hand_edit(lisppump: Lisppump, world: Path) -> None:
    (world / "state" / "rules.md").write_text("be kind")
    dry = lisppump("-C", world, "undo", "--dry-run")
    assert "taken back: the hand edit of rules.md" in dry.out
    assert (world / "state" / "rules.md").exists()
    done = lisppump("-C", world, "undo", "--yes")
    assert "off the line: what was edited by hand in rules.md" in done.out
    assert not (world / "state" / "rules.md").exists()
    assert lisppump("-C", world, "status", "--json").json["edits"] == []


def test_retry(lisppump: Lisppump, world: Path) -> None:
    dry = lisppump("-C", world, "retry", "3", "--stream", "2", "--dry-run")
    assert dry.out.splitlines() == [
        "frame 3 would be made once more; asked anew: stream 2 of frame 3",
        "  off the line: 2 frames, 3..4",
    ]
    assert lisppump("-C", world, "retry", "3", "--stream", "2", "--dry-run", "--json").json["streams"] == [2]
    assert lisppump("-C", world, "retry", "3", "--stream", "2", "--no-input").code == 1
    done = lisppump("-C", world, "retry", "3", "--stream", "2", "--stream", "4", "--yes", "--json")
    assert done.json["frame"] == 3 and frame(lisppump, world) == 3
    assert "made once more: 4 of 6 streams stand as they were" in done.json["notes"][0]
    assert lisppump("-C", world, "replay").out == "frames 1..3 come out as they were\n"
    none = lisppump("-C", world, "retry", "3", "--stream", "9", "--yes")
    assert none.code == 1 and "frame 3 has no stream 9; it has 6 streams" in none.err
    undone = lisppump("-C", world, "undo", "--yes")
    assert "taken back: the retry of streams 2, 4 of frame 3" in undone.out and frame(lisppump, world) == 4


def test_quarantine_and_show_follow_the_line(lisppump: Lisppump, world: Path) -> None:
    before = lisppump("-C", world, "show", "2", "--json").json
    lisppump("-C", world, "rollback", "2", "--yes")
    assert lisppump("-C", world, "show", "--json").json == before
    document = lisppump("-C", world, "status", "--json").json
    assert document["lagging"] == [] and document["edits"] == [] and document["state"] == "idle"
    lisppump("-C", world, "step", "-q")
    assert lisppump("-C", world, "show", "2", "--json").json == before


def test_what_is_off_the_line_is_listed_with_a_name_that_every_command_takes(
    lisppump: Lisppump, world: Path
) -> None:
    before = lisppump("-C", world, "show", "4", "--json").json
    lisppump("-C", world, "rollback", "2", "--yes")
    lisppump("-C", world, "step", "-q")
    lines = lisppump("-C", world, "log", "--all", "--json").lines
    (gone,) = (line for line in lines if line["frame"] == 4)
    back = lines[1]
    assert (gone["on_line"], gone["left"]) == (False, {"name": back["name"], "act": "rollback"})
    name = gone["name"]
    told = lisppump("-C", world, "log", "--all").out
    assert f"{name:<6}frame 4" in told and f"off the line since {back['name']}: rollback" in told
    refused = lisppump("-C", world, "rollback", "4", "--yes")
    assert refused.code == 1 and f"off the line, called {name}" in refused.err
    assert f"`lisppump rollback {name}` goes there" in refused.err
    assert lisppump("-C", world, "show", name, "--json").json == before
    assert lisppump("-C", world, "diff", name, "3").out.startswith(f"frame {name} -> frame 3\n")
    assert lisppump("-C", world, "why", "ann", name).out.startswith("ann in frame 4\n")
    assert "at frame 4" in lisppump("-C", world, "branch", "copy", "--at", name).out
    assert lisppump("-C", world.parent / "copy", "show", "--json").json["digest"] == before["digest"]
    for words in (["retry", name, "--stream", "1"], ["replay", name]):
        elsewhere = lisppump("-C", world, *words)
        assert elsewhere.code == 2 and f"`lisppump rollback {name}` goes there first" in elsewhere.err
    done = lisppump("-C", world, "rollback", name, "--yes")
    assert done.out.splitlines() == [
        "frame 4 is the newest; taken back: frame 3",
        "  off the line: frame 3",
        "  back on the line: 2 frames, 3..4",
        "`lisppump undo` takes this back",
    ]
    assert lisppump("-C", world, "rollback", "2@1", "--yes").code == 1
    lisppump("-C", world, "rollback", "3", "--yes")
    assert lisppump("-C", world, "rollback", name, "--yes").out.startswith("frame 4 is the newest\n")


def test_a_retry_says_what_leaves_and_the_log_what_it_was(lisppump: Lisppump, world: Path) -> None:
    (world / "state" / "stats.json").write_text('{"total_lines": 50}')
    done = lisppump("-C", world, "retry", "2", "--stream", "3", "--yes")
    assert "  off the line: 3 frames, 2..4\n" in done.err
    assert "  off the line: what was edited by hand in stats.json\n" in done.err
    assert "`lisppump undo` takes that back" in done.err
    told = lisppump("-C", world, "log").out.splitlines()
    assert "made once more: stream 3 asked anew" in told[0] and "its run had ended" not in told[0]
    assert told[1].endswith("come back to by the retry of stream 3 of frame 2")
    entries = lisppump("-C", world, "log", "--json").lines
    assert [entry["retried"] for entry in entries] == [[3], []]
    assert "with these streams asked anew: 3" in lisppump("-C", world, "show", "2").out


def test_the_log_and_show_name_a_hand_edit_at_the_frame_it_changed(lisppump: Lisppump, world: Path) -> None:
    before = lisppump("-C", world, "show", "4", "--json").json["digest"]
    (world / "state" / "stats.json").write_text('{"total_lines": 50}')
    assert lisppump("-C", world, "step", "-q").code == 0
    rows = lisppump("-C", world, "log").out.splitlines()
    assert rows[1].endswith("then edited by hand: stats.json") and "edited" not in rows[0]
    entries = lisppump("-C", world, "log", "--json").lines
    assert [entry["edited"] for entry in entries[:2]] == [[], ["stats.json"]]
    shown = lisppump("-C", world, "show", "4", "--json").json
    assert shown["digest"] != before and [edit["document"] for edit in shown["edited"]] == ["stats.json"]
    assert "edited by hand after it, as it is now: stats.json" in lisppump("-C", world, "show", "4").out
    undone = lisppump("-C", world, "undo", "--yes").out.splitlines()
    line = "  what was edited by hand and went into it stands: stats.json; `lisppump rollback 4@"
    (found,) = (each for each in undone if each.startswith(line))
    name = found.split("`")[1].split()[-1]
    lisppump("-C", world, "rollback", name, "--yes")
    assert lisppump("-C", world, "show", "4", "--json").json["digest"] == before
    assert lisppump("-C", world, "log").out.splitlines()[0].endswith("come back to by a rollback")


def test_an_undo_of_an_edit_that_is_not_taken_in_says_so_before(lisppump: Lisppump, world: Path) -> None:
    (world / "state" / "stats.json").write_text('{"total_lines": 50}')
    dry = lisppump("-C", world, "undo", "--dry-run").out.splitlines()
    assert dry[0] == "frame 4 would be the newest; taken back: the hand edit of stats.json"
    assert dry[2:] == [
        "  not taken in before, so it is taken in first: stats.json",
        "  frame 4 itself stays; `lisppump rollback 3` takes that back, too",
    ]
    yes = patch("lisppump.cli.context.Settings.asks", return_value=True)
    no = patch("click.confirm", return_value=False)
    with yes, no:
        asked = lisppump("-C", world, "undo")
    assert dry[2] in asked.err and dry[3] in asked.err
