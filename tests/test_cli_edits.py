"""`lisppump edits`: what is shown, what is decided, and the run that stops until it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lisppump import Pump
from lisppump.errors import LisppumpError
from lisppump.report import Event, FrameReport
from lisppump.status import look
from tests.cli_support import ROOT, Lisppump, golden

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "pump.lisp").write_text(ROOMS)
    with Pump.open(tmp_path) as pump:
        pump.step(2)
    return tmp_path


def edit(world: Path, name: str, value: Any) -> None:
    (world / "state" / name).write_text(value if isinstance(value, str) else json.dumps(value))


def overlap(world: Path) -> None:
    """Let a person write in a file while the frame that changes the same place is under way."""

    def hear(event: Event) -> None:
        if event.kind == "frame_started":
            edit(world, "stats.json", {"total_lines": 1000, "note": "mine"})

    with Pump.open(world) as pump:
        pump.listeners.append(hear)
        pump.step()


def test_nothing_was_changed(lisppump: Lisppump, world: Path) -> None:
    done = lisppump("-C", world, "edits")
    assert (done.code, done.out, done.err) == (0, "", "nothing was changed by hand\n")
    assert lisppump("-C", world, "edits", "--json").json == {
        "schema": "lisppump/edits@1", "frame": 2, "edits": []
    }  # fmt: skip


def test_every_kind_of_edit_is_shown_place_by_place(lisppump: Lisppump, world: Path) -> None:
    edit(world, "stats.json", {"total_lines": 5})
    edit(world, "new.md", "# New\n")
    edit(world, "broken.json", '{"a": ')
    (world / "state" / "echo_frames" / "mood.json").unlink()
    lines = (world / "state" / "lines.jsonl").read_text().splitlines()
    edit(world, "lines.jsonl", "\n".join([*lines[:-1], '{"agent": "ann"}']) + "\n")
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    done = lisppump("-C", world, "edits")
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before
    assert done.code == 0, done.err
    wanted = [
        "stats.json was changed", "new.md was added", "broken.json cannot be read", f"  line {len(lines)}: ",
        "echo_frames/mood.json was removed", "  total_lines: 12 -> 5",
    ]  # fmt: skip
    for line in wanted:
        assert line in done.out
    document = lisppump("-C", world, "edits", "list", "--json").json
    found = {entry["document"]: entry for entry in document["edits"]}
    assert found["stats.json"]["by_hand"] == [{"path": ["total_lines"], "was": 12, "hand": 5}]
    assert found["new.md"]["by_hand"] == [{"path": [], "hand": "# New\n"}]
    assert (found["broken.json"]["what"], found["broken.json"]["error"]["line"]) == ("unreadable", 1)
    status = lisppump("-C", world, "status", "--json").json
    assert status["edits"] == sorted(found)
    assert "stats.json" in lisppump("-C", world, "plan").out


def test_the_run_stops_until_somebody_decides(lisppump: Lisppump, world: Path) -> None:
    overlap(world)
    for command in ("step", "run"):
        done = lisppump("-C", world, command)
        assert done.code == 5
        assert "error[edit-conflict]: stats.json was changed by hand at total_lines" in done.err
        assert "there was 12, by hand it became 1000, by them 18" in done.err
        assert "help: nothing is lost: `lisppump edits`" in done.err
    done = lisppump("-C", world, "step", "--json")
    assert done.json["error"]["code"] == "edit-conflict"
    golden("edits.txt", lisppump("-C", world, "edits").out)
    document = lisppump("-C", world, "edits", "--json").json
    golden("edits.json", json.dumps(document, indent=1) + "\n")
    assert lisppump("-C", world, "status", "--json").json["frame"] == 3


def test_take_keeps_the_hand_s_side(lisppump: Lisppump, world: Path) -> None:
    overlap(world)
    edit(world, "agents.json", (world / "state" / "agents.json").read_text().replace("ann", "Ann", 1))
    done = lisppump("-C", world, "edits", "take", "stats.json")
    assert (done.code, done.out) == (0, "stats.json was taken in as it was written by hand\n")
    left = lisppump("-C", world, "edits", "--json").json["edits"]
    assert [entry["document"] for entry in left] == ["agents.json"]
    with look(world) as pump:
        assert pump.head.documents["stats.json"] == {"total_lines": 1000, "note": "mine"}
    done = lisppump("-C", world, "edits", "take", "stats.json")
    assert done.code == 5 and "error[no-edit]: `stats.json` was not changed by hand" in done.err


def test_drop_puts_the_world_s_document_back_and_keeps_the_text(lisppump: Lisppump, world: Path) -> None:
    overlap(world)
    text = (world / "state" / "stats.json").read_bytes()
    decided = lisppump("-C", world, "edits", "drop", "stats.json", "--json").json
    assert list(decided) == ["schema", "document", "side", "said", "kept"]
    assert (decided["side"], decided["kept"] in decided["said"]) == ("world", True)
    name = decided["kept"].removeprefix("sha256:")
    assert (world / ".lisppump" / "blobs" / name[:2] / name).read_bytes() == text
    assert f"`lisppump cat sha256:{name[:12]}` prints it" in decided["said"]
    for digest in (decided["kept"], f"sha256:{name[:12]}", name[:8].upper()):
        assert lisppump("-C", world, "cat", digest).out.encode() == text
    shown = lisppump("-C", world, "cat", name[:8], "--json").json
    assert shown == {
        "schema": "lisppump/blob@1", "digest": decided["kept"], "length": len(text), "text": text.decode()
    }  # fmt: skip
    assert json.loads((world / "state" / "stats.json").read_text()) == {"total_lines": 18}
    assert lisppump("-C", world, "step").code == 0


def test_nobody_decides_while_a_run_goes_on(lisppump: Lisppump, world: Path) -> None:
    with Pump.open(world) as pump:
        pump.step()
        edit(world, "stats.json", {"total_lines": 5})
        done = lisppump("-C", world, "edits", "drop", "stats.json")
    assert done.code == 5 and "error[locked]" in done.err


def test_documents_that_lag_are_named_while_a_run_goes_on(lisppump: Lisppump, tmp_path: Path) -> None:
    text = (
        '(pump (name lag) (genesis (lambda () (dict "agents.json" (dict "agents" (dict "ann" (dict)))'
        ' "wide.json" (dict "seen" 0 "text" (apply string-append (map (lambda (n) "word ") (range 9000)))))))'
        ' (agents "agents.json" agents) (pipe (lispy (program say)))'
        ' (delta (lines (fields (agent agent)) (into "lines.jsonl") (count "wide.json" seen))))'
    )
    (tmp_path / "pump.lisp").write_text('(define (say agent room) {"lines" (list {"agent" "ann"})})' + text)
    seen = []

    def hear(event: Event) -> None:
        if event.report is not None:
            seen.append(lisppump("-C", tmp_path, "status", "--json").json["lagging"])

    with Pump.open(tmp_path) as pump:
        pump.listeners.append(hear)
        pump.step(3)
        assert pump.status().lagging == ()
    # The log is written while the pipes of the next frame are out; what is not there yet lags nowhere.
    assert seen == [["wide.json"], *[["lines.jsonl", "wide.json"]] * 2]
    assert json.loads((tmp_path / "state" / "wide.json").read_text())["seen"] == 3


def test_a_document_that_cannot_be_read_names_the_way_out(lisppump: Lisppump, world: Path) -> None:
    overlap(world)
    edit(world, "agents.json", '{"torn": ')
    edit(world, "new.md", "# New\n")
    rows = [line for line in lisppump("-C", world, "status").out.splitlines() if line.startswith("edits")]
    assert [row.split()[1] for row in rows] == ["agents.json:", "stats.json:", "new.md:"]
    assert "cannot be read" in rows[0] and "where frames changed it, too" in rows[1]
    document = lisppump("-C", world, "status", "--json").json
    assert (document["unreadable"], document["conflicts"]) == (["agents.json"], ["stats.json"])
    for command in (["step"], ["edits", "take", "agents.json"]):
        done = lisppump("-C", world, *command)
        assert done.code == 5 and "or let `lisppump edits drop agents.json` put back" in done.err
    assert lisppump("-C", world, "edits", "drop", "agents.json").code == 0
    assert "ann" in (world / "state" / "agents.json").read_text()


def test_a_removal_that_leaves_no_agents_names_undo(lisppump: Lisppump, world: Path) -> None:
    (world / "state" / "agents.json").unlink()
    done = lisppump("-C", world, "step")
    assert "error[no-agents]" in done.err and "`lisppump undo` takes it back" in done.err
    done = lisppump("-C", world, "edits", "drop", "agents.json")
    assert done.code == 5 and "taken in already: `lisppump undo` takes that back" in done.err
    assert lisppump("-C", world, "undo", "--yes").code == 0
    assert lisppump("-C", world, "step").code == 0


def test_an_empty_state_folder_is_no_edit(lisppump: Lisppump, world: Path) -> None:
    for path in [*(world / "state").rglob("*")]:
        if path.is_file() and path.parent.name != "stream_deltas":
            path.unlink()
    assert lisppump("-C", world, "edits").out == ""
    said = lisppump("-C", world, "status")
    assert "will be written again from the journal at the next run" in said.out
    assert "edits" not in said.out
    assert lisppump("-C", world, "step").code == 0
    assert (world / "state" / "agents.json").exists()


@pytest.mark.parametrize("name", ["link.json", "agents.json", "sub"])
def test_a_link_that_leads_out_is_named_and_nothing_runs(
    lisppump: Lisppump, world: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.json").write_text('{"secret": 1}')
    path = world / "state" / name
    path.unlink(missing_ok=True)
    path.symlink_to(outside if name == "sub" else outside / "secret.json")
    for command in (["status"], ["edits"]):
        done = lisppump("-C", world, *command)
        assert (done.code, name in done.out, "secret" in done.out) == (0, True, False), done.err
    assert f"`{name}` is a link out of the state folder" in lisppump("-C", world, "edits").out
    for command in (["log"], ["show", "HEAD"], ["diff", "0"], ["why", "ann"], ["plan"], ["verify"]):
        assert lisppump("-C", world, *command).code == 0
    done = lisppump("-C", world, "step")
    assert done.code == 5 and f"`{name}` is a link out of the state folder" in done.err
    path.unlink()
    assert lisppump("-C", world, "status").code == 0


HALF = '{"total_lines": 1'


def changing(world: Path, texts: Mapping[int, str]) -> Callable[[Event], None]:
    """Somebody who saves stats.json, half or whole, while these frames are under way."""

    def hear(event: Event) -> None:
        if event.kind == "frame_started" and event.frame in texts:
            edit(world, "stats.json", texts[event.frame])

    return hear


def notes_of(report: FrameReport) -> list[str]:
    return [note for note in report.notes if "stats.json" in note]


def test_a_run_that_is_going_passes_over_what_cannot_be_read_and_says_so_once(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.listeners.append(changing(world, {3: HALF, 6: '{"total_lines": 12, "note": "mine"}'}))
        begun: list[Event] = []
        pump.listeners.append(begun.append)
        reports = pump.run(5)
        assert [report.frame for report in reports] == [3, 4, 5, 6, 7]
        notes = [notes_of(report) for report in reports]
        assert [len(said) for said in notes] == [0, 1, 0, 0, 1]
        (said,) = notes[1]
        assert said.startswith("stats.json cannot be read, so the run goes on with what the frames have of")
        assert "state/stats.json" in said
        assert [event.notes for event in begun if event.kind == "frame_started"][1] == (said,)
        assert notes[4] == ["stats.json was changed by hand and was taken in"]
        assert pump.head.documents["stats.json"] == {"total_lines": 42, "note": "mine"}
        assert pump.replay().equal
    assert json.loads((world / "state" / "stats.json").read_text()) == {"total_lines": 42, "note": "mine"}


def test_what_cannot_be_read_is_told_by_the_next_frame_however_often_it_was_looked_for(world: Path) -> None:
    """A run that waits for its budget looks again before it begins a frame."""
    with Pump.open(world) as pump:
        pump.step(1)
        edit(world, "stats.json", HALF)
        pump.store.take_edits(going=True)
        pump.store.take_edits(going=True)
        report = asyncio.run(pump._frame(going=True))
        assert report is not None and len(notes_of(report)) == 1
        edit(world, "stats.json", '{"total_lines": 6}')


def test_another_fault_of_the_same_document_is_said_too(world: Path) -> None:
    with Pump.open(world) as pump:
        pump.listeners.append(changing(world, {3: HALF, 4: HALF, 5: "{no", 6: HALF}))
        assert [len(notes_of(report)) for report in pump.run(5)] == [0, 1, 0, 1, 1]


def test_what_cannot_be_read_is_the_error_it_is_where_a_run_begins(lisppump: Lisppump, world: Path) -> None:
    with Pump.open(world) as pump:
        pump.listeners.append(changing(world, {4: HALF}))
        pump.run(2)
    assert (world / "state" / "stats.json").read_text() == HALF
    done = lisppump("-C", world, "run", "--frames", "2")
    assert done.code == 5 and "error[bad-document]" in done.err and "edits drop stats.json" in done.err
    assert "no run is begun until it is mended" in lisppump("-C", world, "status").out
    assert lisppump("-C", world, "edits", "drop", "stats.json").code == 0
    assert lisppump("-C", world, "run", "--frames", "1").code == 0
    with look(world) as pump:
        assert pump.head.documents["stats.json"] == {"total_lines": 30}


def test_the_command_tells_of_it_when_the_frame_begins(lisppump: Lisppump, world: Path) -> None:
    (world / "plugins").mkdir()
    (world / "plugins" / "editor.py").write_text(EDITOR)
    assert lisppump("-C", world, "trust", "--yes").code == 0
    done = lisppump("-C", world, "run", "--frames", "3")
    assert done.code == 0
    lines = [line for line in done.err.splitlines() if "stats.json" in line]
    assert len(lines) == 1 and lines[0].startswith("note: stats.json cannot be read")


EDITOR = """\
from pathlib import Path
from lisppump import hookimpl

@hookimpl
def frame_committed(frame, report):
    (Path(__file__).parent.parent / "state" / "stats.json").write_text('{"total_lines": ')
"""


def test_what_is_no_document_at_all_is_passed_over_by_a_run_that_is_going(world: Path) -> None:
    with Pump.open(world) as pump:

        def hear(event: Event) -> None:
            if event.kind == "frame_started" and event.frame == 3:
                (world / "state" / "link.json").symlink_to("/etc/passwd")

        pump.listeners.append(hear)
        reports = pump.run(3)
        assert [sum("link.json cannot be read" in note for note in r.notes) for r in reports] == [0, 1, 0]
    with Pump.open(world) as pump, pytest.raises(LisppumpError, match="is a link out of the state folder"):
        pump.step()
