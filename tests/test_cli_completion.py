"""`lisppump completion`: the scripts, what they are answered, and that no plugin runs for it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lisppump.cli import COMMANDS
from lisppump.cli.completion import INSTALL
from tests.cli_support import ROOT, Lisppump, Outcome, spawn
from tests.distributions import EBB, TIDES, put

BASH = shutil.which("bash")
LOUD = 'print("imported")\nimport sys\nprint("imported", file=sys.stderr)\nraise SystemExit(9)\n'


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of distributions, one of which says so when it is imported."""
    site = tmp_path / "site"
    put(site, "loud-sea", "1.0", LOUD, entry="loud")
    put(site, "alpha-tides", "1.0", EBB, entry="ebbs")
    return site


def asked(site: Path, *words: str, shell: str = "bash") -> Outcome:
    """What lisppump answers a shell about the last of these words, bash's way of cutting words included."""
    return spawn(
        cwd=site.parent,
        PYTHONPATH=os.pathsep.join([str(site), str(ROOT)]),
        LISPPUMP_CONFIG=str(site / "config.toml"),
        _LISPPUMP_COMPLETE=f"{shell}_complete",
        COMP_WORDS="\n".join(["lisppump", *words]) if shell != "fish" else " ".join(["lisppump", *words]),
        COMP_CWORD=str(len(words)) if shell != "fish" else words[-1],
    )


def answers(site: Path, *words: str) -> list[str]:
    outcome = asked(site, *words)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    lines = outcome.out.splitlines()
    return [line.partition(",")[2] for line in lines if line]


# -- the scripts


@pytest.mark.parametrize("shell", INSTALL)
def test_each_shell_has_its_script_and_says_how_to_install_it(lisppump: Lisppump, shell: str) -> None:
    outcome = lisppump("completion", shell)
    assert (outcome.code, outcome.err) == (0, "")
    first, second = outcome.out.splitlines()[:2]
    comment = second if shell == "zsh" else first  # zsh wants #compdef on the first line
    assert comment == f"# To complete lisppump in {shell}, {INSTALL[shell]}"
    assert f"lisppump completion {shell}" in comment
    assert f"_LISPPUMP_COMPLETE={shell}_complete" in outcome.out
    document = lisppump("completion", shell, "--json").json
    assert document["schema"] == "lisppump/completion@1" and document["shell"] == shell
    assert document["script"].rstrip("\n") == outcome.out.rstrip("\n")
    found = shutil.which(shell)
    if found is not None:
        subprocess.run([found, "-n"], input=outcome.out, text=True, check=True)


def test_zsh_finds_its_mark_on_the_first_line(lisppump: Lisppump) -> None:
    assert lisppump("completion", "zsh").out.startswith("#compdef lisppump\n# ")


def test_an_unknown_shell_is_a_usage_error_with_a_suggestion(lisppump: Lisppump) -> None:
    outcome = lisppump("completion", "bsh")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "error[bad-usage]: there is no completion for the shell `bsh`", "  help: did you mean `bash`?"
    ]  # fmt: skip
    assert "shells: bash, zsh, fish" in lisppump("completion", "tcl").err
    assert lisppump("completion").code == 2


# -- what is answered


def test_commands_and_options(site: Path) -> None:
    assert answers(site, "") == [*COMMANDS]
    assert answers(site, "pl") == ["plan", "plugins"]
    assert answers(site, "plan", "--st") == ["--streams"]
    assert {"--json", "--no-input"} <= set(answers(site, "plan", "--"))
    assert {"--json", "--version"} <= set(answers(site, "--"))
    assert answers(site, "plugins", "w") == ["why"]
    assert answers(site, "completion", "") == [*INSTALL]


def test_folders_are_left_to_the_shell(site: Path) -> None:
    assert asked(site, "-C", "x").out.splitlines() == ["dir,x"]


def test_words_to_describe(site: Path) -> None:
    assert {"take", "affinity", "breaker", "plan", "let*", "frame_committed", "no-access", "pluck"} <= set(
        answers(site, "describe", "")
    )
    assert answers(site, "describe", "affi") == ["affinity"]
    assert answers(site, "describe", "breaker", "") == ["bad", "empty", "frames"]
    assert answers(site, "describe", "dam", "aff") == ["affinity"]
    assert answers(site, "describe", "ebb") == []
    # What a shell would take for something of its own is nothing to be offered.
    assert not [word for word in answers(site, "describe", "string") if ">" in word]


def test_examples_of_worlds(site: Path) -> None:
    assert answers(site, "init", "--example", "") == ["agora", "colony", "pair"]
    assert answers(site, "init", "--example", "co") == ["colony"]


def test_plugins_that_can_be_left_out(site: Path) -> None:
    """Bash gives `no:al` as three words, and replaces only the last."""
    assert answers(site, "-p", "n") == ["no:alpha-tides", "no:loud-sea"]
    assert answers(site, "-p", "no", ":") == ["alpha-tides", "loud-sea"]
    assert answers(site, "-p", "no", ":", "al") == ["alpha-tides"]
    assert answers(site, "plan", "-p", "no", ":", "loud-sea", "-p", "no", ":", "al") == ["alpha-tides"]
    assert answers(site, "-p", "no:al") == ["no:alpha-tides"]  # where COMP_WORDBREAKS has no colon
    fish = asked(site, "-p", "no:al", shell="fish")
    assert (fish.code, fish.out, fish.err) == (0, "plain,no:alpha-tides\n", "")


def test_plugins_of_the_folder_that_is_named(site: Path, tmp_path: Path) -> None:
    world = tmp_path / "world"
    (world / "plugins").mkdir(parents=True)
    (world / "pump.lisp").write_text("(pump")
    (world / "plugins" / "mine.py").write_text(LOUD)
    assert answers(site, "-C", str(world), "plan", "-p", "no", ":", "m") == ["mine"]
    assert answers(site, "plan", "-C", str(world), "-p", "no", ":", "m") == ["mine"]
    (site / "config.toml").write_text("[trusted")
    assert "loud-sea" in answers(site, "plan", "-C", str(world), "-p", "no", ":")


def test_plugins_to_ask_about_or_take_away(site: Path) -> None:
    assert answers(site, "plugins", "why", "al") == ["alpha-tides"]
    assert answers(site, "plugins", "why", "lo") == ["local", "loud", "loud-sea"]
    assert answers(site, "plugins", "remove", "") == ["alpha-tides", "loud-sea"]


def test_a_command_line_with_faults_is_no_reason_to_speak(site: Path) -> None:
    assert answers(site, "describe", "--json", "--frob", "affi") in ([], ["affinity"])
    assert answers(site, "plan", "-p", "wrong", "--st") == ["--streams"]
    assert answers(site, "plugins", "frob", "--") == []


def test_commands_of_plugins_complete_their_options(tmp_path: Path) -> None:
    site = tmp_path / "site"
    put(site, "beta-tides", "1.2", TIDES, entry="tides")
    assert answers(site, "tides", "") == ["now"]
    assert answers(site, "tides", "now", "--ho") == ["--hour"]


# -- in bash itself


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with a lisppump."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "lisppump"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m lisppump "$@"\n')
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_the_function_in_bash(site: Path, tmp_path: Path, path: str) -> None:
    assert BASH is not None
    lines = (
        'set -eu; eval "$(lisppump completion bash)"',
        'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _lisppump_completion lisppump; '
        'printf "%s\\n" "${COMPREPLY[@]}" -; }',
        "ask lisppump pl",
        "ask lisppump plan -p no : al",
        "ask lisppump describe le",
    )
    (tmp_path / "let-them-stay").write_text("")  # which `let*` must not turn into
    done = subprocess.run(
        [BASH, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third, _ = done.stdout.split("-\n")
    assert (first, second) == ("plan\nplugins\n", "alpha-tides\n")
    assert "let*\n" in third and "let-them-stay" not in third


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_the_tabulator_in_bash(site: Path, tmp_path: Path, path: str) -> None:
    assert BASH is not None
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BASH, "--norc", "--noprofile", "-i"], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs,
        env={
            **os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), "TERM": "dumb",
            "PS1": "> ", "INPUTRC": os.devnull, "LISPPUMP_CONFIG": str(tmp_path / "config.toml"),
        },
    )  # fmt: skip
    os.close(theirs)
    seen = b""

    def until(wanted: bytes) -> None:
        nonlocal seen
        last = time.monotonic() + 120  # reached only where it fails
        while wanted not in seen and time.monotonic() < last:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 65536)
        assert wanted in seen, seen.decode(errors="replace")
        seen = b""

    try:
        os.write(ours, b'eval "$(lisppump completion bash)"; echo "re""ady"\n')
        until(b"\nready")
        os.write(ours, b"\x15lisppump -p no:al\t")
        until(b"no:alpha-tides ")
        os.write(ours, b"\x15lisppump init --example co\t")
        until(b"colony ")
    finally:
        process.kill()
        process.wait()
        os.close(ours)
