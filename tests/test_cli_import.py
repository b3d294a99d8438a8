"""`lisppump import-deltas` and `lisppump quarantine`, as an operator meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lisppump import Pump
from tests.cli_support import Lisppump
from tests.importing_support import files, world

DELTA = {
    "frame": "7b",
    "agents_activated": ["ann"],
    "posts_created": [
        {"title": "t", "agent": "ann", "number": 9},
        {"title": "u", "author": "bob", "number": 10},
        {"author": "ann"},
    ],
    "comments_added": 3,
    "odd": [1],
}


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return world(tmp_path / "world")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return files(tmp_path / "in", {"a.json": DELTA, "b.json": "{"})


def test_a_person_reads_what_became_of_everything(lisppump: Lisppump, root: Path, folder: Path) -> None:
    dry = lisppump("-C", root, "import-deltas", folder, "--dry-run")
    assert dry.code == 0
    assert dry.out.splitlines()[0] == "1 delta in 2 files: would make frame 1"
    real = lisppump("-C", root, "import-deltas", folder)
    assert real.out == dry.out.replace("would make", "made")
    lines = real.out.splitlines()
    assert lines[1:4] == [
        "                in  merged  duplicate  quarantined  counted",
        "comments_added  0   0       0          0            3",
        "posts_created   3   1       0          2            0",
    ]
    assert lines[4].startswith("not read: b.json: it should be JSON")
    assert lines[5].startswith("quarantined: a.json posts_created[1]: not-in-room, ")
    assert "counted: a.json comments_added: not-a-list" in real.out
    assert "no items: odd in 1 delta" in real.out
    shown = lisppump("-C", root, "show").out
    assert "imported: a.json (its frame 7b), 3 items" in shown
    again = lisppump("-C", root, "import-deltas", folder).out
    assert again.startswith("1 delta in 2 files: frame 1 stays the newest")
    assert "note: nothing in it is new, so no frame was made" in again


def test_exit_codes(lisppump: Lisppump, root: Path, folder: Path, tmp_path: Path) -> None:
    broken = files(tmp_path / "broken", {"a.json": "x"})
    assert lisppump("-C", root, "import-deltas", broken).code == 1
    assert lisppump("-C", root, "import-deltas", files(tmp_path / "none", {})).code == 0
    strange = lisppump("-C", root, "import-deltas", files(tmp_path / "strange", {"s.json": {"name": "pkg"}}))
    assert strange.code == 1 and "note: s.json looks like no delta: it has none of" in strange.out
    mixed = files(tmp_path / "mixed", {"s.json": {"name": "pkg"}, "t.json": {"frame": 1, "posts": []}})
    mixed_out = lisppump("-C", root, "import-deltas", mixed)
    assert mixed_out.code == 0 and "t.json looks" not in mixed_out.out
    nowhere = lisppump("-C", root, "import-deltas", tmp_path / "nowhere", "--json")
    assert (nowhere.code, nowhere.json["error"]["code"]) == (1, "no-such-folder")
    assert lisppump("-C", root, "import-deltas").code == 2


def test_many_lines_are_cut_unless_asked_for(lisppump: Lisppump, root: Path, tmp_path: Path) -> None:
    delta = {"posts": [{"title": n} for n in range(15)]}
    folder = files(tmp_path / "in", {"a.json": delta})
    short = lisppump("-C", root, "import-deltas", folder, "--dry-run").out
    assert short.count("quarantined: ") == 10 and "and 5 more: -v or --json" in short
    assert lisppump("-C", root, "import-deltas", folder, "--dry-run", "-v").out.count("quarantined: ") == 15


def test_quarantine_from_the_shell(lisppump: Lisppump, root: Path, folder: Path) -> None:
    def said(*words: str) -> str:
        outcome = lisppump("-C", root, "quarantine", *words)
        assert outcome.code == 0, outcome.err
        return outcome.out

    assert said("list") == said() == ""
    lisppump("-C", root, "import-deltas", folder)
    listed = said()
    assert [line.split()[:2] for line in listed.splitlines()] == [
        ["1.1", "not-in-room"], ["1.2", "missing-field"],
    ]  # fmt: skip
    room, lacks = "1.1", "1.2"
    assert said("list", "--reason", "not-in-room").split()[0] == room
    assert said("list", "--frame", "2") == said("list", "--collection", "votes") == ""
    assert len(said("list", "--frame", "1", "--collection", "posts").splitlines()) == 2
    assert "posts_created[1] of a.json, taken into frame 1" in said("show", room)
    assert "2 items: `lisppump quarantine`" in lisppump("-C", root, "status").out
    assert said("accept", room, "--dry-run") == f"would be accepted into frame 2: {room}\n"
    assert said("accept", room) == f"accepted into frame 2: {room}\n"
    refused = lisppump("-C", root, "quarantine", "accept", lacks)
    assert refused.code == 1 and "error[not-acceptable]" in refused.err
    asked = lisppump("-C", root, "--no-input", "quarantine", "drop", lacks)
    assert asked.code == 1 and "error[not-asked]" in asked.err
    assert said("drop", lacks, "--dry-run") == f"would be dropped: {lacks}\n"
    assert said("drop", lacks, "--yes") == f"dropped: {lacks}\n"
    for act in ("accept", "drop", "show"):
        gone = lisppump("-C", root, "quarantine", act, lacks, *(["--yes"] if act == "drop" else []))
        assert gone.code == 1 and "error[no-such-entry]" in gone.err and "dropped already" in gone.err
    with Pump.open(root) as pump:
        assert (pump.head.number, pump.status().quarantine) == (2, 0)
        pump.step(2)


def test_what_is_said_of_the_reply_of_a_pipe(lisppump: Lisppump, root: Path) -> None:
    text = (root / "pump.lisp").read_text()
    spoken = '(dict "posts" (list (dict "title" "t" "author" "nobody")))'
    (root / "pump.lisp").write_text(text.replace("(dict))\n", f"{spoken})\n", 1))
    lisppump("-C", root, "step")
    out = lisppump("-C", root, "quarantine", "show", "1.1").out
    assert "stream 1 of frame 1" in out and "whole with --json" in out
