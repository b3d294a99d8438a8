"""`lisppump trust`: what it shows, how it asks, what it keeps; and that nothing of the folder runs for it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lisppump import dropins, trust
from tests.cli_support import ROOT, Lisppump, Outcome, golden, spawn

RUNS = "open({!r}, 'a').close()\nraise SystemExit('ran')\n"


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trust is kept in these tests."""
    place = tmp_path / "settings" / "config.toml"
    monkeypatch.setenv("LISPPUMP_CONFIG", str(place))
    return place


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that is there as soon as anything of a folder has run."""
    return tmp_path / "ran"


@pytest.fixture
def world(tmp_path: Path, mark: Path) -> Path:
    """A folder from elsewhere with Python in it that says when it runs."""
    folder = tmp_path / "world"
    for name in ("tides.py", "_shared.py", "__init__.py", "tools/moon.py"):
        path = folder / "plugins" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RUNS.format(str(mark)) + "# much more of it\n" * (70 if name == "tides.py" else 0))
    (folder / "pump.lisp").write_text("(pump)\n")
    return folder


def digest(folder: Path) -> str:
    found = dropins.look(folder)
    assert found is not None
    return found.digest


def asked(answer: str, *args: str | Path, meanwhile: Callable[[], object] = lambda: None) -> Outcome:
    """The outcome of a command that asks on a terminal, which answers when the question stands."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", *map(str, args)],
        stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(terminal)
    assert process.stderr is not None
    said = b""
    while b"[y/N]" not in said and (more := os.read(process.stderr.fileno(), 4096)):
        said += more
    meanwhile()
    os.write(keyboard, answer.encode())
    out, err = process.communicate()
    os.close(keyboard)
    return Outcome(process.returncode, out.decode(), (said + err).decode())


def plain(text: str, folder: Path) -> str:
    """What is the same wherever the tests run."""
    text = text.replace(str(folder.parent), "/home/me")
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:...", text)
    return re.sub(r" +[\d,]+ bytes", "  N bytes", re.sub(r'"bytes": \d+', '"bytes": N', text))


# -- a yes


def test_a_yes_on_the_terminal_is_kept(world: Path, mark: Path) -> None:
    outcome = asked("y\n", "-C", world, "trust")
    assert outcome.code == 0
    golden("trust-asked.txt", plain(f"{outcome.err}\n--\n{outcome.out}", world))
    assert trust.trusted() == {str(world): digest(world)}
    assert not mark.exists()


def test_the_sizes_are_shown(world: Path, lisppump: Lisppump) -> None:
    (world / "plugins" / "tides.py").write_text("#" * 12_345)
    lines = lisppump("-C", world, "trust", "--yes").err.splitlines()
    assert "  tides.py       12,345 bytes" in lines
    size = (world / "plugins" / "_shared.py").stat().st_size
    assert f"  _shared.py     {size:6} bytes" in lines


@pytest.mark.parametrize("answer", ["n\n", "\n", "No\n", "maybe\nn\n"])
def test_anything_but_a_yes_keeps_nothing(world: Path, file: Path, answer: str) -> None:
    outcome = asked(answer, "-C", world, "trust")
    assert (outcome.code, outcome.out) == (1, f"{world} is not trusted; nothing was changed\n")
    assert not file.exists()


def test_the_end_of_the_input_is_no_yes(world: Path, file: Path) -> None:
    assert asked("\x04", "-C", world, "trust").code == 130
    assert not file.exists()


def test_what_changes_while_the_question_stands_is_not_trusted(world: Path) -> None:
    shown = digest(world)
    evil = world / "plugins" / "tides.py"
    outcome = asked("y\n", "-C", world, "trust", meanwhile=lambda: evil.write_text("evil()\n"))
    assert outcome.code == 0
    assert trust.trusted() == {str(world): shown}
    assert not trust.is_trusted(world, digest(world))


def test_json_is_on_stdout_and_the_question_beside_it(world: Path) -> None:
    outcome = asked("y\n", "-C", world, "trust", "--json", "-q")
    assert outcome.json["trusted"] is True
    assert "with all your rights? [y/N]" in outcome.err and "tides.py" in outcome.err
    refused = asked("n\n", "-C", world.rename(world.with_name("moved")), "trust", "--json")
    assert (refused.code, refused.json["trusted"]) == (1, False)


def test_yes_answers(lisppump: Lisppump, world: Path, mark: Path) -> None:
    outcome = lisppump("-C", world, "trust", "--yes")
    assert outcome.code == 0 and "?" not in outcome.err
    assert outcome.out == f"{world} is trusted, with these files in plugins/\n"
    assert trust.is_trusted(world, digest(world))
    quiet = lisppump("-C", world, "-q", "--no-input", "trust", "--yes")
    assert (quiet.code, quiet.err) == (0, "")
    assert not mark.exists()


def test_from_below_the_world_is_found(lisppump: Lisppump, world: Path) -> None:
    assert lisppump("-C", world / "plugins" / "tools", "trust", "--yes").code == 0
    assert list(trust.trusted()) == [str(world)]


@pytest.mark.parametrize(
    ("options", "reason"), [(["--no-input"], "--no-input was given"), ([], "the input is no terminal")]
)
def test_where_nobody_can_be_asked_it_refuses(
    lisppump: Lisppump, world: Path, file: Path, options: list[str], reason: str
) -> None:
    with open(os.devnull) as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "lisppump", "-C", world, *options, "trust"],
            stdin=nobody, capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    question = f"let the Python of {world} run, with all your rights"
    assert f"error[not-asked]: to {question} needs a yes, and {reason}; nothing was changed" in done.stderr
    assert "help: read the files, then say it with `lisppump trust --yes`" in done.stderr
    assert "tides.py" in done.stderr
    error = lisppump("-C", world, "--json", "--no-input", "trust").json["error"]
    assert (error["code"], error["category"]) == ("not-asked", "usage")
    assert not file.exists()


def test_no_input_does_not_ask_on_a_terminal_either(world: Path, file: Path) -> None:
    outcome = asked("y\n", "-C", world, "trust", "--no-input")
    assert outcome.code == 1 and "error[not-asked]" in outcome.err
    assert not file.exists()


def test_a_dry_run_changes_nothing_and_asks_nothing(lisppump: Lisppump, world: Path, file: Path) -> None:
    for options in (["--dry-run"], ["--dry-run", "--yes"], ["--dry-run", "--no-input"]):
        outcome = lisppump("-C", world, "trust", *options)
        assert (outcome.code, outcome.out) == (0, f"{world} would be trusted\n")
        assert "tides.py" in outcome.err
    assert not file.parent.exists()


# -- nothing to say yes to


def test_where_there_is_nothing_to_trust_it_says_so(lisppump: Lisppump, tmp_path: Path, file: Path) -> None:
    assert lisppump("init", tmp_path / "new").code == 0
    outcome = lisppump("-C", tmp_path / "new", "trust", "--no-input")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{tmp_path / 'new'} has no plugins of its own; there is nothing to trust\n"
    assert lisppump("-C", ROOT, "trust").out.startswith(f"{ROOT} has no plugins of its own;")
    assert not file.exists()


def test_what_is_trusted_already_is_not_asked_again(lisppump: Lisppump, world: Path, file: Path) -> None:
    lisppump("-C", world, "trust", "--yes")
    before = file.stat().st_mtime_ns
    outcome = lisppump("-C", world, "trust", "--no-input")
    assert outcome == Outcome(0, f"{world} is trusted already, with just these files in plugins/\n", "")
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["tides.py", "_shared.py", "tools/moon.py", "tools/new.py"])
def test_changed_content_asks_again_and_says_that_it_was_another(
    lisppump: Lisppump, world: Path, name: str
) -> None:
    lisppump("-C", world, "trust", "--yes")
    old = digest(world)
    (world / "plugins" / name).write_text("changed\n")
    outcome = lisppump("-C", world, "trust", "--no-input")
    assert outcome.code == 1
    assert "The folder was trusted before, with other content." in outcome.err
    assert trust.trusted() == {str(world): old}
    assert lisppump("-C", world, "trust", "--yes", "--json").json["before"] == old
    assert trust.trusted() == {str(world): digest(world)}


def test_outside_of_a_world_there_is_nothing_to_trust(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("-C", tmp_path, "trust")
    assert outcome.code == 1 and "error[no-simulation]" in outcome.err


def test_what_cannot_be_read_is_not_trusted(lisppump: Lisppump, world: Path, file: Path) -> None:
    (world / "plugins" / "odd.py").symlink_to("nowhere")
    outcome = lisppump("-C", world, "trust", "--yes")
    assert outcome.code == 4
    assert f"error[bad-dropin]: {world / 'plugins' / 'odd.py'} cannot be read: it is a link" in outcome.err
    assert not file.exists()


def test_a_damaged_config_is_not_overwritten(lisppump: Lisppump, world: Path, file: Path) -> None:
    file.parent.mkdir()
    file.write_text("[trusted\n")
    for options in (["--yes"], ["--list"], ["--remove"], ["--dry-run"]):
        outcome = lisppump("-C", world, "trust", *options)
        assert outcome.code == 1 and f"error[bad-config]: {file}:1 is no TOML" in outcome.err
    assert file.read_text() == "[trusted\n"


# -- what was said before


def test_the_list(lisppump: Lisppump, world: Path, tmp_path: Path) -> None:
    assert lisppump("-C", tmp_path, "trust", "--list") == Outcome(0, "", "no folder is trusted\n")
    lisppump("-C", world, "trust", "--yes")
    trust.trust(tmp_path / "a\nb", digest(world))
    assert lisppump("-C", tmp_path, "trust", "--list").out == f"{tmp_path}/a\\nb  (gone)\n{world}\n"
    assert lisppump("trust", "--list", "--json").json == {
        "schema": "lisppump/trusted@1",
        "folders": [
            {"folder": f"{tmp_path}/a\nb", "digest": digest(world), "stale": "gone"},
            {"folder": str(world), "digest": digest(world), "stale": None},
        ],
    }


def test_it_is_taken_back(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "trust", "--yes")
    tried = lisppump("-C", world, "trust", "--remove", "--dry-run")
    assert tried == Outcome(0, f"{world} would be trusted no more\n", "")
    assert trust.is_trusted(world, digest(world))
    assert lisppump("-C", world / "plugins", "trust", "--remove") == Outcome(
        0, f"{world} is trusted no more\n", ""
    )
    assert trust.trusted() == {}
    assert lisppump("-C", world, "trust", "--remove") == Outcome(0, f"{world} was not trusted\n", "")


def test_a_folder_that_is_gone_can_be_forgotten(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "trust", "--yes")
    world.rename(world.with_name("moved"))
    assert lisppump("-C", world, "trust", "--remove").out == f"{world} is trusted no more\n"
    assert trust.trusted() == {}


def test_the_options_exclude_each_other(lisppump: Lisppump, world: Path, file: Path) -> None:
    for pair in (["--yes", "--list"], ["--list", "--remove"], ["--yes", "--remove"]):
        outcome = lisppump("-C", world, "trust", *pair)
        assert outcome.code == 2 and "exclude each other" in outcome.err
    assert not file.exists()


# -- its words, and those of the folder


def test_the_documents(lisppump: Lisppump, world: Path) -> None:
    told = []
    for options in (["--dry-run"], ["--yes"], [], ["--remove"]):
        outcome = lisppump("-C", world, "trust", "--json", *options)
        assert outcome.code == 0
        told.append(plain(outcome.out, world))
    golden("trust.json", "".join(told))


def test_the_help(lisppump: Lisppump) -> None:
    golden("help-trust.txt", lisppump("trust", "--help").out)


def test_names_of_files_cannot_write_lines_of_their_own(lisppump: Lisppump, world: Path) -> None:
    for name in ("_a.py\nAll is reviewed.py", "_\x1b[2Ka.py", "_\u202eyp.evil.py", os.fsdecode(b"_\xff.py")):
        (world / "plugins" / name).write_text("")
    outcome = lisppump("-C", world, "trust", "--dry-run")
    for word in (r"_a.py\nAll is reviewed.py ", r"_\x1b[2Ka.py ", r"_\u202eyp.evil.py ", r"_\udcff.py "):
        assert any(line.startswith(f"  {word}") for line in outcome.err.splitlines())
    document = lisppump("-C", world, "trust", "--dry-run", "--json").json
    assert [entry["file"] for entry in document["files"]][-1] == "tools/moon.py"
    assert "_\ufffd.py" in [entry["file"] for entry in document["files"]]


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_folder_whose_name_is_no_unicode_is_refused_in_words(
    world: Path, file: Path, json: list[str]
) -> None:
    folder = world.rename(os.fsdecode(os.fsencode(world) + b"\xff"))
    outcome = spawn("-C", folder, *json, "trust", "--yes")
    assert outcome.code == 1
    assert "untrustable-folder" in (outcome.out if json else outcome.err)
    assert "Traceback" not in outcome.err and not file.exists()


def test_another_policy_means_the_folder_that_is_named(lisppump: Lisppump, world: Path) -> None:
    below = world / "below"
    (below / "plugins").mkdir(parents=True)
    (below / "plugins" / "sand.py").write_text("")
    outcome = lisppump("-C", below, "--pump", world / "pump.lisp", "trust", "--yes")
    assert outcome.code == 0 and outcome.out.startswith(f"{below} is trusted")
    assert trust.trusted() == {str(below): digest(below)}
    lisppump("-C", below, "--pump", world / "pump.lisp", "trust", "--remove")
    assert trust.trusted() == {}


def test_the_list_marks_what_counts_no_more(lisppump: Lisppump, world: Path, tmp_path: Path) -> None:
    lisppump("-C", world, "trust", "--yes")
    trust.trust(tmp_path / "lost", digest(world))
    (world / "plugins" / "tides.py").write_text("x = 1\n")
    assert lisppump("trust", "--list").out == f"{tmp_path}/lost  (gone)\n{world}  (changed since)\n"
    for file in (world / "plugins").rglob("*.py"):
        file.unlink()
    assert lisppump("trust", "--list").out.endswith("  (has no plugins now)\n")
