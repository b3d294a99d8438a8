"""`lisppump fmt`: what it writes, what it only says, and what it leaves alone."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Lisppump, Outcome, golden, loaded

BAD = "(define (f x)\n      x)  \n"
GOOD = "(define (f x)\n  x)\n"


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lisppump:
    monkeypatch.chdir(tmp_path)
    return Lisppump(capsys)


def given(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let this come in on stdin."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_it_writes_what_is_not_laid_out_and_names_it(lisppump: Lisppump, tmp_path: Path) -> None:
    a, b = tmp_path / "a.lisp", tmp_path / "b.lisp"
    a.write_text(BAD)
    b.write_text(GOOD)
    before = b.stat().st_mtime_ns, b.stat().st_ino
    outcome = lisppump("fmt", a, "b.lisp")
    assert (outcome.code, outcome.out, outcome.err) == (0, "a.lisp\n", "")
    assert a.read_text() == GOOD and (b.stat().st_mtime_ns, b.stat().st_ino) == before
    assert lisppump("fmt", a, b).out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.lisp", "b.lisp"]


def test_without_a_file_it_takes_those_of_the_world(lisppump: Lisppump, tmp_path: Path) -> None:
    world = tmp_path / "world"
    (world / "lisp_lib").mkdir(parents=True)
    for name in ("pump.lisp", "lisp_lib/mine.lisp", "lisp_lib/other.txt", "eval.lisp"):
        (world / name).write_text(BAD)
    assert lisppump("-C", world, "fmt", "--check").out == "world/pump.lisp\nworld/lisp_lib/mine.lisp\n"
    assert lisppump("-C", world, "fmt").code == 0
    assert [path.name for path in sorted(world.rglob("*.*")) if path.read_bytes() == BAD.encode()] == [
        "eval.lisp", "other.txt"
    ]  # fmt: skip
    outcome = lisppump("fmt")
    assert outcome.code == 1 and outcome.err.startswith("error[no-simulation]: ")


def test_check_writes_nothing(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "a.lisp").write_text(BAD)
    outcome = lisppump("fmt", "--check", "a.lisp")
    assert (outcome.code, outcome.out, outcome.err) == (1, "a.lisp\n", "")
    assert (tmp_path / "a.lisp").read_text() == BAD
    (tmp_path / "a.lisp").write_text(GOOD)
    assert lisppump("fmt", "--check", "a.lisp") == Outcome(0, "", "")


def test_diff_shows_and_writes_nothing(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "a.lisp").write_text("(f\n1)\n(g)")
    outcome = lisppump("fmt", "--diff", "a.lisp")
    assert outcome.code == 0 and outcome.err == ""
    golden("fmt-diff.txt", outcome.out)
    assert lisppump("fmt", "--diff", "--check", "a.lisp") == Outcome(1, outcome.out, "")
    assert (tmp_path / "a.lisp").read_text() == "(f\n1)\n(g)"


def test_a_dash_makes_it_a_filter(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, '(f "caf\u00e9 \x01"\r\n1)'.encode())
    assert lisppump("fmt", "-").out == '(f "caf\u00e9 \x01"\r\n   1)\r\n'
    given(monkeypatch, BAD.encode())
    assert lisppump("fmt", "-", "--check") == Outcome(1, "<stdin>\n", "")
    given(monkeypatch, b"(f")
    outcome = lisppump("fmt", "-")
    assert outcome.code == 1 and "--> <stdin>:1:1" in outcome.err and outcome.out == ""


def test_json_is_one_document(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.lisp").write_text(BAD)
    document = lisppump("fmt", "--check", "--diff", "a.lisp", "--json").json
    assert document["schema"] == "lisppump/fmt@1" and document["written"] is False
    [file] = document["files"]
    assert (file["file"], file["changed"], file["text"]) == ("a.lisp", True, None)
    assert file["diff"].startswith("--- a.lisp\n+++ a.lisp\n@@ ")
    given(monkeypatch, BAD.encode())
    document = lisppump("fmt", "a.lisp", "-", "--json").json
    assert document["written"] is True
    assert document["files"][0] == {"file": "a.lisp", "changed": True, "text": None, "diff": None}
    assert document["files"][1]["text"] == GOOD
    assert (tmp_path / "a.lisp").read_text() == GOOD


def test_where_a_file_does_not_read_nothing_is_written(lisppump: Lisppump, tmp_path: Path) -> None:
    for name, text in {"a": BAD.encode(), "b": b"(define (f x)\n  x", "c": b"\n(f]", "d": b"\n\xff"}.items():
        (tmp_path / f"{name}.lisp").write_bytes(text)
    outcome = lisppump("fmt", *(f"{name}.lisp" for name in "abcd"))
    assert (outcome.code, outcome.out) == (1, "")
    golden("error-fmt.txt", outcome.err)
    assert (tmp_path / "a.lisp").read_text() == BAD
    document = lisppump("fmt", "--check", "b.lisp", "--json").json
    assert document["error"]["code"] == "unclosed" and document["error"]["file"] == "b.lisp"
    assert lisppump("fmt", "absent.lisp").code == 2


def test_mode_links_and_line_ends_stay(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file = tmp_path / "there" / "a.lisp"
    file.write_bytes(b"(f\r\n 1) ; x \r\n")
    file.chmod(0o640)
    (tmp_path / "link.lisp").symlink_to("there/a.lisp")
    assert lisppump("fmt", "link.lisp").out == "link.lisp\n"
    assert (tmp_path / "link.lisp").is_symlink() and not file.is_symlink()
    assert file.read_bytes() == b"(f\r\n  1) ; x\r\n" and file.stat().st_mode & 0o777 == 0o640
    assert os.listdir(file.parent) == ["a.lisp"]


def test_a_full_disk_costs_nothing(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lisppump.disk.replace", full)
    (tmp_path / "a.lisp").write_text(BAD)
    outcome = lisppump("fmt", "a.lisp")
    assert outcome.code == 1
    assert outcome.err == "error[no-access]: a.lisp cannot be written: no space left on device\n"
    assert (tmp_path / "a.lisp").read_text() == BAD and os.listdir(tmp_path) == ["a.lisp"]


def test_what_is_no_file_is_not_read(lisppump: Lisppump, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    outcome = lisppump("fmt", "pipe")
    assert outcome.code == 1 and outcome.err.startswith("error[no-access]: pipe is no regular file\n")


def test_our_own_files_are_laid_out(lisppump: Lisppump) -> None:
    assert lisppump("-C", ROOT, "fmt", "--check") == Outcome(0, "", "")


def test_it_imports_no_policy_and_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.lisp").write_text(GOOD)
    modules = loaded("fmt", "--check", str(tmp_path / "a.lisp"))
    assert not modules & {"prompt_toolkit", "pygments", "lisppump.pump", "lisppump.registry", "pluggy"}
