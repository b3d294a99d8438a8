"""Distributions with plugins, as an installer would leave them on the path, without an installer."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

TIDES = '''
    """Tides for worlds by the sea."""
    import click
    from lisppump import Finding, Option, Reply, hookimpl, lispy_builtin

    class Ebb:
        """Seats agents as the water falls. Nobody gets wet."""

        options = (Option("height", "value", "How high the water stands.", default=1),)

        def __init__(self, height=1):
            self.height = height

        def assign(self, frame, agents, n, seed):
            return [[agent.id] for agent in agents]

    class Sea:
        """Answers every room with nothing."""

        async def pour(self, request):
            return Reply(data={})

        def findings(self):
            print("looking out")
            yield Finding("ok", "the sea is there")
            yield Finding("warning", "the water is low", "wait six hours")

    @lispy_builtin("tide", "(tide hour)", "The height of the water.", example="(tide 6) ;=> 1.0",
                   cost="1", aliases=("water",))
    def tide(run, hour):
        return 1.0

    @click.group()
    def tides():
        """What the sea does."""

    @tides.command()
    @click.option("--hour", type=int, help="At which hour.")
    def now(hour):
        """Print how high the water stands."""
        print("low")

    @hookimpl
    def dams(): return {"ebb": Ebb}
    @hookimpl
    def backends(): return {"sea": Sea}
    @hookimpl
    def builtins(): return {"tide": tide}
    @hookimpl
    def commands(): return {"tides": tides}
    @hookimpl
    def frame_committed(frame, report): pass
'''
EBB = '''
    from lisppump import hookimpl

    class Ebb:
        """Seats agents otherwise."""
        def assign(self, frame, agents, n, seed): return [[agent.id] for agent in agents]

    @hookimpl
    def dams(): return {"ebb": Ebb}
'''


Install = Callable[[str, str, str], Path]  # name, entry point, code


def put(site: Path, name: str, version: str, code: str, *, entry: str, summary: str = "A plugin") -> Path:
    """Put a distribution with one module and one entry point into a folder; the module's file."""
    module = site / f"{name.replace('-', '_')}.py"
    info = site / f"{module.stem}-{version}.dist-info"
    info.mkdir(parents=True)
    module.write_text(textwrap.dedent(code).lstrip("\n"))
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n"
    (info / "METADATA").write_text(text)
    (info / "entry_points.txt").write_text(f"[lisppump]\n{entry} = {module.stem}\n")
    return module


def seen(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this process see the distributions of a folder, and import none of an earlier test."""
    monkeypatch.syspath_prepend(str(site))
    for file in site.glob("*.py"):
        monkeypatch.delitem(sys.modules, file.stem, raising=False)
    return site
