"""A folder from elsewhere with Python in it: nothing of it runs before its user has said yes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Outcome, spawn

EVIL = """
import pathlib
(pathlib.Path(__file__).parent.parent / "EVIL").write_text("it ran")

from lisppump import hookimpl

class Dam:
    '''A dam.'''
    def assign(self, frame, agents, n, seed):
        return [[agent.id for agent in agents]]

@hookimpl
def dams():
    return {"evil": Dam}
"""
POLICY = """
(define (persona agent room) (dict "lines" (list (dict "agent" (get agent "id") "text" "hello"))))
(pump
  (name world)
  (genesis (lambda () (dict "agents.json" (dict "agents" (dict "ann" (dict) "bob" (dict))))))
  (agents "agents.json" agents)
  (dam DAM)
  (pipe (lispy (program persona)))
  (delta (lines (fields (agent agent) (text string)) (into "lines.jsonl"))))
"""
COMMANDS = (
    ("check",), ("plan",), ("status",), ("eval", "(+ 1 2)"), ("eval", "(get frame 'last)"),
    ("eval", "(unknown-name 1)"), ("plugins",), ("plugins", "why", "evil"), ("doctor",),
    ("describe", "evil"), ("describe", "affinity"), ("apropos", "evil"), ("show",), ("log",),
    ("trust", "--no-input"), ("trust", "--dry-run"), ("nosuch",), ("--help",), ("run", "--frames", "1"),
    ("step",), ("run", "--frames", "1", "--no-input"), ("check", "--json"),
)  # fmt: skip


@pytest.fixture
def cloned(tmp_path: Path) -> Path:
    """A folder as it comes: policy, a plugin, compiled files, modules and metadata beside it."""
    folder = tmp_path / "cloned"
    (folder / "plugins" / "__pycache__").mkdir(parents=True)
    (folder / "plugins" / "evil.py").write_text(EVIL)
    (folder / "plugins" / "_helper.py").write_text(EVIL)
    (folder / "plugins" / "__init__.py").write_text(EVIL)
    (folder / "plugins" / "conftest.py").write_text(EVIL)
    (folder / "lisppump_evil.py").write_text(EVIL.replace("parent.parent", "parent"))
    info = folder / "lisppump_evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lisppump-evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lisppump]\nevil = lisppump_evil\n")
    (folder / "plugins.lock").write_text("format = 1\n")
    (folder / "pump.lisp").write_text(POLICY.replace("DAM", "round-robin"))
    return folder


def lisppump(folder: Path, *words: str) -> Outcome:
    """A command line given in that folder, as it is typed there, by a user who trusts nothing yet."""
    config = str(folder.parent / "config.toml")
    return spawn(*words, cwd=folder, LISPPUMP_CONFIG=config, PYTHONPATH=str(ROOT))


def ran(folder: Path) -> bool:
    return any(folder.parent.rglob("EVIL"))


@pytest.mark.parametrize("dam", ["round-robin", "evil"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_runs_any_of_it(cloned: Path, words: tuple[str, ...], dam: str) -> None:
    (cloned / "pump.lisp").write_text(POLICY.replace("DAM", dam))
    done = lisppump(cloned, *words)
    assert not ran(cloned)
    assert done.code == code(words, dam), done.err
    assert "Traceback" not in done.err


def code(words: tuple[str, ...], dam: str) -> int:
    """What such a command line ends with, in a world that has made no frame yet."""
    if words == ("nosuch",):
        return 2
    if words[0] in ("check", "plan", "run", "step", "status", "log", "show") or "(get frame 'last)" in words:
        return 4 if dam == "evil" else 0
    if words == ("doctor",):
        return 1 if dam == "evil" else 0
    return 1 if words[-1] in ("(unknown-name 1)", "--no-input") else 0


def test_what_needs_it_says_why_it_does_not_run(cloned: Path) -> None:
    (cloned / "pump.lisp").write_text(POLICY.replace("DAM", "evil"))
    done = lisppump(cloned, "run", "--frames", "1", "--no-input")
    assert done.code == 4
    assert done.err.startswith(
        "error[untrusted-plugin]: there is no dam called `evil`: plugin plugins/evil.py does not run: "
        "nobody has trusted this folder's Python yet\n"
    )
    assert "help: read it, then `lisppump trust`" in done.err
    assert not (cloned / "state").exists()


def test_what_does_not_need_it_goes_on_with_a_word(cloned: Path) -> None:
    done = lisppump(cloned, "run", "--frames", "1")
    assert done.code == 0 and "plugin plugins/evil.py does not run: nobody has trusted" in done.err


def test_once_trusted_it_runs_and_when_changed_it_asks_again(cloned: Path) -> None:
    (cloned / "pump.lisp").write_text(POLICY.replace("DAM", "evil"))
    for name in ("__init__.py", "_helper.py", "conftest.py"):
        (cloned / "plugins" / name).unlink()
    assert lisppump(cloned, "trust", "--yes").code == 0
    assert not ran(cloned)
    assert lisppump(cloned, "run", "--frames", "1").code == 0
    assert ran(cloned)
    (cloned / "EVIL").unlink()
    with (cloned / "plugins" / "evil.py").open("a") as file:
        file.write("# one more line\n")
    done = lisppump(cloned, "run", "--frames", "1")
    assert done.code == 4 and "plugins/ has changed since this folder was trusted" in done.err
    assert not ran(cloned)


def test_a_copy_elsewhere_is_not_trusted(cloned: Path, tmp_path: Path) -> None:
    assert lisppump(cloned, "trust", "--yes").code == 0
    copy = tmp_path / "copy"
    cloned.rename(copy)
    assert "nobody has trusted this folder" in lisppump(copy, "check").err
    assert not ran(copy)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 4), ("\n", 4)])
def test_who_sits_at_a_terminal_is_asked_before_a_run(cloned: Path, answer: str, code: int) -> None:
    for name in ("__init__.py", "_helper.py", "conftest.py"):
        (cloned / "plugins" / name).unlink()
    (cloned / "pump.lisp").write_text(POLICY.replace("DAM", "evil"))
    ours, theirs = pty.openpty()
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "LISPPUMP_CONFIG": str(cloned.parent / "config.toml"),
        "TERM": "dumb",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "lisppump", "run", "--frames", "1"],
        cwd=cloned, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, answer.encode())
    told = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        told += chunk
    process.communicate()
    os.close(ours)
    assert process.returncode == code, told
    assert b"with all your rights?" in told
    assert ran(cloned) == (code == 0)
