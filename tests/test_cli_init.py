"""`lisppump init`: what it writes, what it copies, what it refuses, and that a failure leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lisppump.cli.init import examples
from tests.cli_support import Lisppump
from tests.conftest import ROOT

MADE = [".gitignore", "lisp_lib", "lisp_lib/.gitignore", "plugins", "plugins/.gitignore", "pump.lisp",
        "state", "state/.gitignore"]  # fmt: skip


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_it_makes_a_world(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("init", tmp_path / "a" / "world")
    assert outcome.code == 0
    assert outcome.out == f"{tmp_path}/a/world is now the world `pair`\n"
    assert "next: lisppump" in outcome.err
    assert below(tmp_path / "a" / "world") == MADE
    assert len((tmp_path / "a" / "world" / "pump.lisp").read_text().splitlines()) <= 25


def test_it_makes_this_folder_a_world(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    outcome = lisppump("init", "--json")
    assert outcome.json == {
        "schema": "lisppump/init@1", "folder": str(tmp_path), "example": "pair", "documents": 0,
        "dry_run": False,
    }  # fmt: skip
    assert below(tmp_path) == sorted([*MADE, ".git"])
    assert lisppump("-C", tmp_path / "other", "init", "inner").code == 0
    assert (tmp_path / "other" / "inner" / "pump.lisp").is_file()


@pytest.mark.parametrize("name", examples())
def test_every_example_can_be_had_and_checks(lisppump: Lisppump, tmp_path: Path, name: str) -> None:
    assert lisppump("init", tmp_path, "--example", name).code == 0
    assert (tmp_path / "pump.lisp").read_bytes() == (ROOT / "lisp_lib" / f"world_{name}.lisp").read_bytes()
    checked = lisppump("-C", tmp_path, "check")
    assert (checked.code, checked.err) == (0, "")


def test_the_checkout_is_the_example_colony() -> None:
    assert (ROOT / "pump.lisp").read_bytes() == (ROOT / "lisp_lib" / "world_colony.lisp").read_bytes()


def test_an_unknown_example_is_refused_before_anything_is_written(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("init", tmp_path / "w", "--example", "agorra")
    assert outcome.code == 2
    assert "did you mean `agora`?" in outcome.err
    assert below(tmp_path) == []


def test_it_never_overwrites(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    outcome = lisppump("init", tmp_path)
    assert outcome.code == 1
    assert outcome.err.startswith(f"error[folder-not-empty]: {tmp_path} holds files already: notes.txt\n")
    assert below(tmp_path) == ["notes.txt"]
    for name in (".lisppump", ".gitignore", "pump.lisp"):
        folder = tmp_path / "taken" / name
        folder.mkdir(parents=True)
        assert lisppump("init", tmp_path / "taken").code == 1
        folder.rmdir()
    file = tmp_path / "file"
    file.write_text("")
    assert lisppump("init", file).code == 2


def test_a_dry_run_writes_nothing_and_refuses_the_same(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("init", tmp_path / "new", "--dry-run")
    assert (outcome.code, outcome.out) == (0, f"{tmp_path}/new would be the world `pair`\n")
    assert lisppump("init", tmp_path / "new", "--dry-run", "--json").json["dry_run"] is True
    assert below(tmp_path) == []
    (tmp_path / "notes.txt").write_text("mine")
    assert lisppump("init", tmp_path, "--dry-run").code == 1


def test_a_state_is_copied_byte_for_byte(lisppump: Lisppump, tmp_path: Path) -> None:
    state = tmp_path / "old"
    long = "n" * 240 + "\nline.md"
    files = {"agents.json": b'{"agents": {}}', f"memory/{long}": b"\xff\x00 bytes", "log.jsonl": b""}
    for name, data in files.items():
        path = state / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (state / "link.json").symlink_to(state / "agents.json")
    os.mkfifo(state / "fifo")
    outcome = lisppump("init", tmp_path / "new", "--state", state, "--json")
    assert outcome.json["documents"] == 3
    assert outcome.err == f"2 entries of {state} are no regular files and were left out\n"
    copied = tmp_path / "new" / "state"
    assert below(copied) == sorted([*files, "memory", ".gitignore"])
    assert {name: (copied / name).read_bytes() for name in files} == files
    assert below(state) == sorted([*files, "memory", "link.json", "fifo"])


def test_a_world_is_not_made_inside_the_state_it_begins_with(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "agents.json").write_text("{}")
    for target in (tmp_path / "inner", tmp_path):
        assert lisppump("init", target, "--state", tmp_path).code == 2
    assert below(tmp_path) == ["agents.json"]


def test_an_absent_state_is_refused(lisppump: Lisppump, tmp_path: Path) -> None:
    assert lisppump("init", tmp_path / "w", "--state", tmp_path / "absent").code == 2
    assert below(tmp_path) == []


def test_a_failure_leaves_nothing(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "old"
    state.mkdir()
    for name in ("a.json", "b.json"):
        (state / name).write_text("{}")

    def full(source: Path, target: Path) -> None:
        if source.name == "b.json":
            raise OSError(28, "No space left on device", str(target))
        target.write_text("{}")

    monkeypatch.setattr("shutil.copyfile", full)
    outcome = lisppump("init", tmp_path / "new", "--state", state)
    assert outcome.code == 1 and "no space left on device" in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]
    (tmp_path / "empty").mkdir()
    assert lisppump("init", tmp_path / "empty", "--state", state).code == 1
    assert below(tmp_path / "empty") == []


def test_a_failure_while_moving_in_takes_back_what_was_moved(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "pump.lisp":
            raise OSError(5, "Input/output error", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    assert lisppump("init", tmp_path / "new").code == 1
    assert below(tmp_path) == []


def test_the_real_state_becomes_frame_0(lisppump: Lisppump, tmp_path: Path, shared_data: Path) -> None:
    state = shared_data / "rappterbook" / "state"
    outcome = lisppump("init", tmp_path / "w", "--example", "agora", "--state", state, "--json")
    originals = [path.relative_to(state) for path in state.rglob("*") if path.is_file()]
    assert outcome.json["documents"] == len(originals)
    for path in originals:
        assert (tmp_path / "w" / "state" / path).read_bytes() == (state / path).read_bytes()
