"""`lisppump eval`: values that read back, output, errors with a caret, JSON, the state, few imports."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Lisppump, golden, loaded, spawn

KEYS = ["schema", "ok", "value", "text", "output", "error", "usage", "capabilities"]


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lisppump:
    monkeypatch.chdir(tmp_path)
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    text = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
    (folder / "pump.lisp").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("(+ 1 2)", "3"),
        ('(list 1.5 "a\\nb" \'c :d #t nil)', '(1.5 "a\\nb" c :d #t nil)'),
        ("nil", "nil"),
        ('{"k" (list 1 2)}', '{"k" (1 2)}'),
        ("(define (f x) (* x x)) (f 12)", "144"),
    ],
)
def test_the_value_reads_back(lisppump: Lisppump, program: str, text: str) -> None:
    outcome = lisppump("eval", program)
    assert (outcome.code, outcome.out, outcome.err) == (0, text + "\n", "")


def test_what_is_printed_comes_first(lisppump: Lisppump) -> None:
    assert lisppump("eval", '(println "one") (display "two") 3').out == "one\ntwo\n3\n"


def test_an_error_has_its_caret_and_1(lisppump: Lisppump) -> None:
    outcome = lisppump("eval", '(println "before") (+ 1 (carr (list 2)))')
    assert outcome.code == 1 and outcome.out == "before\n"
    golden("error-eval.txt", outcome.err)


def test_json_has_the_pinned_keys(lisppump: Lisppump) -> None:
    good = lisppump("eval", '(display "hi") (list 1 "a")', "--json")
    assert list(good.json) == KEYS
    assert good.json["schema"] == "lisppump/eval@1" and good.json["ok"] is True and good.json["error"] is None
    assert good.json["value"] == [1, "a"] and good.json["text"] == '(1 "a")' and good.json["output"] == "hi"
    assert good.json["usage"]["steps"] > 0
    bad = lisppump("eval", "(car 5)", "--json")
    assert bad.code == 1 and list(bad.json) == KEYS and bad.err == ""
    assert bad.json["ok"] is False and bad.json["value"] is None
    assert bad.json["error"]["category"] == "type" and bad.json["error"]["line"] == 1
    assert lisppump("eval", "car", "--json").json["value"] is None


def test_a_program_from_a_file_and_from_stdin(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.lisp"
    file.write_text("; a file\n(* 6 7)\n")
    assert lisppump("eval", "-f", file).out == "42\n"
    file.write_text("\n(car")
    assert f"--> {file}:2:1" in lisppump("eval", "-f", file).err
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"(+ 40 2)")))
    assert lisppump("eval", "-").out == "42\n"
    file.write_bytes(b"\n\xff")
    assert lisppump("eval", "-f", file).err.startswith("error[bad-token]: ")
    assert lisppump("eval", "-f", tmp_path / "absent").code == 2
    assert lisppump("eval", "1", "-f", file).code == 2


def test_a_program_may_be_held_short(lisppump: Lisppump) -> None:
    forever = "(let loop ((n 0)) (loop (+ n 1)))"
    assert lisppump("eval", forever, "--steps", "1000").err.startswith("error[step-limit]: ")
    assert lisppump("eval", forever, "--seconds", "0.01").err.startswith("error[time-limit]: ")


def test_outside_a_world_there_is_no_state(lisppump: Lisppump) -> None:
    outcome = lisppump("eval", "(rb-agents)")
    assert outcome.code == 1 and outcome.err.startswith("error[not-granted]: ")


def test_inside_a_world_the_state_is_there(lisppump: Lisppump, world: Path) -> None:
    def value(program: str) -> object:
        document = lisppump("-C", world, "eval", program, "--json").json
        assert document["ok"], document["error"]
        return document["value"]

    assert value("(length (rb-agents))") == 6
    assert value('(map (lambda (a) (get a "id")) agents)') == ["ann", "bob", "cid", "dee", "eve", "fay"]
    assert value("(rb-frame)") == 0
    assert not (world / ".lisppump").exists()
    lisppump("-C", world, "step", "-n", "2", "-q")
    assert value("(rb-frame)") == 2
    assert value("(get-in frame '(stats total_lines))") == 12
    assert value("(get-in frame '(last counts lines))") == 6
    assert value("(get-in frame '(echo signals boost))") == "bob"


def test_a_program_cannot_change_the_state(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    lisppump("-C", world, "eval", '(dict-set (rb-state "stats.json") "total_lines" 0)')
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before


def test_without_asking_for_state_a_broken_policy_does_not_matter(lisppump: Lisppump, world: Path) -> None:
    (world / "pump.lisp").write_text("(pump")
    assert lisppump("-C", world, "eval", "(+ 1 2)").out == "3\n"
    assert lisppump("-C", world, "eval", "(rb-agents)").code == 3


def test_it_imports_the_language_and_nothing_of_the_pump(world: Path) -> None:
    modules = loaded("-C", str(world), "eval", "(+ 1 2)", "-q")
    heavy = {"anthropic", "ollama", "rich", "prompt_toolkit", "pluggy", "asyncio"}
    assert not modules & heavy
    ours = {name for name in modules if name.startswith("lisppump.")}
    assert not [name for name in ours if not name.startswith(("lisppump.lispy", "lisppump.cli"))] or ours <= {
        *(name for name in ours if name.startswith(("lisppump.lispy", "lisppump.cli"))),
        "lisppump.errors", "lisppump.canon", "lisppump.folder", "lisppump.lisp_lib",
    }  # fmt: skip


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert spawn("eval", '"caf\u00e9"', cwd=tmp_path, PYTHONHASHSEED="77").out == '"caf\u00e9"\n'
    assert spawn("eval", '"caf\u00e9"', cwd=tmp_path, PYTHONIOENCODING="ascii").code == 0
    assert sys.stdout is not None
