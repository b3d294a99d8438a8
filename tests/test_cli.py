"""The command line as a whole: help, options before and after, errors, exit codes, streams, imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lisppump import __version__
from lisppump.cli import COMMANDS, main
from lisppump.cli.context import clean, table
from lisppump.errors import ErrorList, LisppumpError
from tests.cli_support import ROOT, Lisppump, golden, loaded, spawn

HEAVY = {"anthropic", "ollama", "rich", "prompt_toolkit"}


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def test_alone_it_prints_its_help(lisppump: Lisppump) -> None:
    alone, asked = lisppump(), lisppump("--help")
    assert alone == asked
    assert alone.code == 0 and alone.err == ""
    golden("help.txt", alone.out)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help(lisppump: Lisppump, name: str) -> None:
    outcome = lisppump(name, "--help")
    assert outcome.code == 0 and outcome.err == ""
    golden(f"help-{name}.txt", outcome.out)


def test_version_and_help_import_no_command() -> None:
    for line in (["--version"], ["--help"], []):
        modules = loaded(*line)
        assert not modules & HEAVY
        ours = {name for name in modules if name.startswith("lisppump.")}
        assert ours <= {"lisppump.cli", "lisppump.cli.context", "lisppump.canon", "lisppump.errors"}


def test_version(lisppump: Lisppump) -> None:
    assert lisppump("--version").out == f"lisppump {__version__}\n"


def test_it_runs_as_a_module_and_as_a_script() -> None:
    assert spawn("--version").out == f"lisppump {__version__}\n"
    script = Path(sys.executable).with_name("lisppump")
    if script.exists():
        done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == f"lisppump {__version__}\n"


@pytest.mark.parametrize(
    "line",
    [
        "chek",
        "frobnicate",
        "--frob",
        "check --frob",
        "step -n 0",
        "describe",
        "show a b",
        "eval",
        "eval 1 -f x",
    ],
)
def test_a_bad_command_line_is_one_diagnostic_and_2(lisppump: Lisppump, line: str) -> None:
    outcome = lisppump(*line.split())
    assert outcome.code == 2 and outcome.out == ""
    assert outcome.err.startswith("error[bad-usage]: ")
    told = lisppump(*line.split(), "--json")
    assert told.code == 2 and told.err == ""
    assert told.json["error"]["code"] == "bad-usage"


def test_a_misspelt_command_is_suggested(lisppump: Lisppump) -> None:
    golden("error-usage.txt", lisppump("chek").err)


def test_without_a_simulation(lisppump: Lisppump, tmp_path: Path) -> None:
    for name in ("check", "plan", "step", "run", "status", "log", "show"):
        outcome = lisppump("-C", tmp_path, name)
        assert outcome.code == 1 and outcome.out == ""
        assert outcome.err.startswith("error[no-simulation]: ")


def test_an_error_with_json_is_a_document_on_stdout(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("status", "--json", "-C", tmp_path)
    assert outcome.code == 1 and outcome.err == ""
    assert outcome.json["schema"] == "lisppump/error@1"
    assert list(outcome.json["error"]) == ["code", "category", "message", "file", "line", "column", "help"]
    assert outcome.out.endswith("}\n") and outcome.out.startswith("{\n")


def test_an_error_of_a_command_of_json_lines_is_a_line(lisppump: Lisppump, tmp_path: Path) -> None:
    for name in ("run", "step", "log"):
        (line,) = lisppump("-C", tmp_path, name, "--json").lines
        assert line["error"]["code"] == "no-simulation"


def test_options_stand_before_and_after_the_command(lisppump: Lisppump, tmp_path: Path) -> None:
    before = lisppump("-C", tmp_path, "--json", "status")
    after = lisppump("status", "-C", tmp_path, "--json")
    assert before == after
    later_wins = lisppump("-C", "/", "status", "-C", tmp_path, "--json")
    assert later_wins == after


def test_options_come_from_the_environment(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = lisppump("status", "-C", tmp_path, "--json")
    monkeypatch.setenv("LISPPUMP_DIR", str(tmp_path))
    monkeypatch.setenv("LISPPUMP_JSON", "1")
    assert lisppump("status") == wanted


def test_a_folder_that_is_absent_or_no_folder(lisppump: Lisppump, tmp_path: Path) -> None:
    assert lisppump("-C", tmp_path / "absent", "check").code == 1
    file = tmp_path / "file"
    file.write_text("")
    assert lisppump("-C", file, "check").code == 2


# -- faults


def _broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("lisppump.cli.Lisppump.invoke", fail)


def test_our_own_defect_is_a_traceback_and_70(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    _broken(monkeypatch, KeyError("lost"))
    outcome = lisppump("status")
    assert outcome.code == 70 and outcome.out == ""
    assert outcome.err.startswith("Traceback (most recent call last):")
    assert "error[defect]: lisppump itself is wrong here: KeyError: 'lost'" in outcome.err
    told = lisppump("status", "--json")
    assert told.code == 70 and told.json["error"]["category"] == "defect"
    assert told.err.startswith("Traceback")


def test_an_interrupt_is_130(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    _broken(monkeypatch, KeyboardInterrupt())
    outcome = lisppump("status")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "\ninterrupted\n")


def test_what_the_system_refuses_is_no_defect(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    _broken(monkeypatch, PermissionError(13, "Permission denied", "/somewhere/else"))
    outcome = lisppump("status")
    assert outcome.code == 1
    assert outcome.err == (
        "error[no-access]: /somewhere/else cannot be used: permission denied\n"
        "  help: give the user who runs lisppump the right to use it\n"
    )


def test_several_errors_are_all_told(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [LisppumpError("no-simulation", "one"), LisppumpError("no-such-frame", "two")]
    _broken(monkeypatch, ErrorList(errors))
    document = lisppump("status", "--json").json
    assert document["error"]["message"] == "one"
    assert [error["message"] for error in document["errors"]] == ["one", "two"]


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m lisppump --help | true"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""


# -- writing


def test_control_characters_never_reach_a_terminal() -> None:
    assert clean("a\x1b[31mb\x9b2J\tc\nd\x07") == "a\\x1b[31mb\\x9b2J\tc\nd\\x07"
    assert clean("caf\u00e9 \udcff") == "caf\u00e9 \\udcff"


def test_colours_only_where_they_are_wanted(lisppump: Lisppump, tmp_path: Path) -> None:
    plain = lisppump("-C", tmp_path, "status")
    assert "\x1b[" not in plain.err
    painted = lisppump("-C", tmp_path, "status", "--color")
    assert painted.err.startswith("\x1b[31m\x1b[1merror[no-simulation]")
    assert "\x1b[" not in lisppump("-C", tmp_path, "status", "--color", "--json").out


def test_tables_are_aligned() -> None:
    assert table([["a", "bb", "c"], ["aaa", "b", "c d"]]) == ["a    bb  c", "aaa  b   c d"]
    assert table([]) == []


def test_main_takes_its_arguments_from_the_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["lisppump", "--json", "nothing"])
    assert main() == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "bad-usage"
