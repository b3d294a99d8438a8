"""What a command line does not pay for: plugins of which it needs nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Outcome, spawn

PLUGINS = 30
CODE = """
    import pathlib
    pathlib.Path(__file__).with_suffix(".imported").touch()

    from lisppump import hookimpl, lispy_builtin

    @lispy_builtin("{name}", "({name})", "A number.", example="({name}) ;=> {number}")
    def builtin(run):
        return {number}

    @hookimpl
    def builtins():
        return {{"{name}": builtin}}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Thirty installed plugins that leave a mark when they are imported."""
    folder = tmp_path / "site"
    for number in range(PLUGINS):
        module = f"plugin_{number:02d}"
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        code = textwrap.dedent(CODE).format(name=f"number-{number}", number=number)
        (folder / f"{module}.py").write_text(code)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin-{number:02d}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[lisppump]\np{number} = {module}\n")
    return folder


def lisppump(site: Path, *words: str) -> Outcome:
    return spawn(*words, cwd=site.parent, PYTHONPATH=os.pathsep.join([str(site), str(ROOT)]))


def imported(site: Path) -> int:
    return len(list(site.glob("*.imported")))


@pytest.mark.parametrize(
    "words",
    [
        ("eval", "(+ 1 2)"), ("eval", "(map (lambda (x) (* x x)) (range 5))"), ("--version",), ("--help",),
        ("eval", "--help"), ("init", "world"), ("completion", "bash"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_who_needs_nothing_of_plugins_imports_none(site: Path, words: tuple[str, ...]) -> None:
    assert lisppump(site, *words).code == 0
    assert imported(site) == 0


def test_a_name_of_a_plugin_imports_them(site: Path) -> None:
    assert lisppump(site, "eval", "(+ (number-29) 1)").out == "30\n"
    assert imported(site) == PLUGINS


def test_finding_them_imports_none(site: Path) -> None:
    code = (
        "from lisppump.registry import Registry; registry = Registry.load(); "
        "print(sum(plugin.name.startswith('p') for plugin in registry.plugins))"
    )
    path = os.pathsep.join([str(site), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) == PLUGINS
    assert imported(site) == 0
