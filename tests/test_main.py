"""`python -m lisppump`: nothing that lies in the current folder is imported for the real thing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lisppump import __version__
from tests.cli_support import ROOT, spawn

EVIL = "import os, sys\nos.write(2, b'EVIL RAN')\n"
NAMES = ("click", "orjson", "pluggy", "lark", "rich", "traceback", "tomllib", "platformdirs", "evil")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A world that offers its own click, its own distribution with a plugin, and more."""
    folder = tmp_path / "hostile"
    assert spawn("init", folder).code == 0
    for name in NAMES:
        (folder / f"{name}.py").write_text(EVIL)
    info = folder / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lisppump]\nevil = evil\n[pluggy]\nevil = evil\n")
    return folder


def module(cwd: Path, *args: str, flags: tuple[str, ...] = (), **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *flags, "-m", "lisppump", *args],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "line",
    [["--version"], ["--help"], ["eval", "(+ 1 2)"], ["check"], ["plan"], ["status"], ["step"],
     ["describe", "round-robin"], ["trust"], ["no-such-command"], ["init", "inner"]],
    ids=" ".join,
)  # fmt: skip
def test_nothing_of_the_current_folder_runs(hostile: Path, tmp_path: Path, line: list[str]) -> None:
    config = str(tmp_path / "config.toml")
    code, out, err = module(hostile, *line, PYTHONPATH=str(ROOT), LISPPUMP_CONFIG=config)
    assert "EVIL" not in out + err and "Traceback" not in err
    assert code == (2 if line == ["no-such-command"] else 0)
    assert "evil" not in out


def test_it_would_run_if_the_folder_stayed_on_the_path(hostile: Path) -> None:
    """The test above tests something."""
    done = subprocess.run(
        [sys.executable, "-m", "lisppump.cli.context"],
        cwd=hostile, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "EVIL RAN" in done.stderr


@pytest.mark.parametrize("flags", [(), ("-P",)])
def test_what_the_user_put_on_the_path_stays(hostile: Path, flags: tuple[str, ...]) -> None:
    """Only what -m puts there goes: PYTHONPATH is the user's own word, and with -P nothing is put there."""
    path = os.pathsep.join([str(hostile), str(ROOT)])
    assert "EVIL RAN" in module(hostile, "--version", flags=flags, PYTHONPATH=path)[2]


def test_a_checkout_runs_itself() -> None:
    code, out, _ = module(ROOT, "--version")
    assert (code, out) == (0, f"lisppump {__version__}\n")


def test_a_folder_that_is_gone_is_no_defect(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys; os.mkdir(sys.argv[1]); os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); "
        "sys.exit(subprocess.run([sys.executable, '-m', 'lisppump', '--version']).returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "gone"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"lisppump {__version__}\n")
