"""`lisppump verify` and `lisppump repair` as a person meets them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from lisppump.verify import verify
from lisppump.view import Unseen
from tests.cli_support import Lisppump, spawn
from tests.conftest import ROOT


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path, lisppump: Lisppump) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "pump.lisp").write_bytes((ROOT / "tests" / "simulations" / "rooms.lisp").read_bytes())
    assert lisppump("-C", folder, "step", "-n", "3", "-q").code == 0
    return folder


def harm(world: Path, kind: str, frame: int) -> int:
    """Change a byte of the last record of a kind and frame; where its line begins."""
    (path,) = (world / ".lisppump" / "journal").iterdir()
    data = bytearray(path.read_bytes())
    offset = place = 0
    for line in bytes(data).splitlines(keepends=True):
        fields = json.loads(line[18:])
        if fields["kind"] == kind and fields.get("frame") == frame:
            place = offset
        offset += len(line)
    data[place + 30] ^= 1
    path.write_bytes(data)
    return place


def test_a_sound_world(lisppump: Lisppump, world: Path) -> None:
    outcome = lisppump("-C", world, "verify")
    assert outcome.code == 0 and outcome.out.endswith("\nok\n")
    assert "looked at 4 frames, " in outcome.out
    assert lisppump("-C", world, "verify", "--json").json["ok"] is True
    assert lisppump("-C", world, "repair").out == "nothing is damaged\n"
    assert lisppump("-C", world, "repair", "--json").json["needed"] is False


def test_damage_is_named_and_repaired(lisppump: Lisppump, world: Path) -> None:
    place = harm(world, "reply", 2)
    refused = lisppump("-C", world, "step")
    assert refused.code == 5
    assert "error[damaged]" in refused.err and f"at byte {place}, record " in refused.err
    assert "`lisppump verify`" in refused.err and "`lisppump repair`" in refused.err
    outcome = lisppump("-C", world, "verify")
    assert outcome.code == 5
    assert (
        f"segment 00000001, byte {place}, record " in outcome.out and ", frame 2: its checksum" in outcome.out
    )
    assert outcome.out.endswith("1 fault; `lisppump repair` saves what can be saved\n")
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    dry = lisppump("-C", world, "repair", "--dry-run")
    assert dry.code == 0 and "lost: record " in dry.out and "cut:" not in dry.out
    asked = lisppump("-C", world, "repair", "--no-input")
    assert asked.code == 1 and "error[not-asked]" in asked.err
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before
    done = lisppump("-C", world, "repair", "--yes")
    assert done.code == 0 and "lost: record " in done.out
    assert done.out.endswith("repaired\nwhat lay there before is kept in .lisppump/damaged-1\n")
    assert lisppump("-C", world, "verify").code == 0
    assert lisppump("-C", world, "step", "-q").code == 0
    assert lisppump("-C", world, "status", "--json").json["frame"] == 4


def test_frames_that_are_lost_are_said(lisppump: Lisppump, world: Path) -> None:
    harm(world, "commit", 2)
    told = lisppump("-C", world, "repair", "--dry-run").out
    assert "the newest frame will be 1\n" in told and "lost: frames 2 to 3\n" in told
    assert "kept as an edit: lines.jsonl\n" in told
    document = lisppump("-C", world, "repair", "--yes", "--json").json
    assert document["dropped"] == [2, 3] and document["aside"] == "damaged-1" and document["frame"] == 1
    assert lisppump("-C", world, "verify", "--json").json["ok"] is True
    assert lisppump("-C", world, "run", "--frames", "2", "-q").code == 0


def test_verify_needs_no_policy(lisppump: Lisppump, world: Path) -> None:
    (world / "pump.lisp").write_text("(pump")
    outcome = lisppump("-C", world, "verify")
    assert outcome.code == 0 and "the policy does not say where the documents are" in outcome.out
    assert lisppump("-C", world, "repair", "--yes").code != 0
    assert verify(world, Unseen(world)).ok


def test_a_terminal_is_asked(world: Path, monkeypatch: pytest.MonkeyPatch, lisppump: Lisppump) -> None:
    harm(world, "reply", 2)
    monkeypatch.setattr("lisppump.cli.context.Settings.agree", lambda *_, **__: False)
    no = lisppump("-C", world, "repair")
    assert no.code == 1 and no.out.endswith("nothing was changed\n")
    assert lisppump("-C", world, "verify").code == 5


def test_a_process_of_its_own(world: Path) -> None:
    harm(world, "commit", 3)
    assert spawn("verify", cwd=world).code == 5
    assert spawn("repair", "--yes", cwd=world).code == 0
    assert spawn("verify", cwd=world).code == 0


def test_what_cannot_be_read_is_no_damage_and_is_5(lisppump: Lisppump, world: Path) -> None:
    path = world / ".lisppump" / "journal" / "00000001.log"
    real = Path.read_bytes

    def broken(self: Path) -> bytes:
        if self == path:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self))
        return real(self)

    with patch.object(Path, "read_bytes", broken):
        for words in (["verify"], ["repair", "--yes"], ["repair", "--dry-run"]):
            refused = lisppump("-C", world, *words)
            assert refused.code == 5 and f"error[disk]: reading {path} failed" in refused.err, refused.err
            assert "help: `lisppump doctor`" in refused.err
    assert lisppump("-C", world, "verify").code == 0
