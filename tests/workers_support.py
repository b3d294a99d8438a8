"""What tests of workers share: programs here and there, results side by side, evaluators that are broken."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lisppump.frame import Frame, state_of
from lisppump.lispy import Limits, Result
from lisppump.testing import frame_of
from lisppump.workers.answers import kind_of
from lisppump.workers.pool import PLACE, Workers
from lisppump.workers.program import Program, run_here

BROKEN = """
import sys; sys.path.extend(sys.argv[3:])
from lisppump.workers import zygote
sys.path.append({folder!r})
import broken_evaluator
zygote.main(int(sys.argv[1]), sys.argv[2], **broken_evaluator.{what})
"""


def evaluators() -> list[str]:
    """The names in tests/broken_evaluator.py, which is not imported: its builtins would be this process's."""
    tree = ast.parse((Path(__file__).parent / "broken_evaluator.py").read_text("utf-8"))
    targets = [node.targets[0] for node in tree.body if isinstance(node, ast.Assign)]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return [target.id for target in targets if isinstance(target, ast.Name) and target.id.isupper()]


def broken(what: str) -> str:
    """What a zygote is started with whose workers do something of tests/broken_evaluator.py."""
    return BROKEN.format(folder=str(Path(__file__).parent), what=what)


def program(source: str, **more: Any) -> Program:
    """A program of ann's, who may read the frame."""
    return Program(source, "ann", "program of ann", **{"allow": frozenset({"state"}), **more})


def world(**documents: Any) -> Frame:
    """A frame with an agent, and some documents."""
    agents = {"agents": {"ann": {"name": "Ann"}}}
    named = {name.replace("_", "."): value for name, value in documents.items()}
    return frame_of({"agents.json": agents, **named}, number=3)


def here(wanted: Program, frame: Frame, **more: Any) -> Result:
    """What it comes to in this process."""
    return run_here(wanted, state_of(frame, *PLACE), more.get("web"), more.get("builtins", {}))


def seen(result: Result) -> dict[str, Any]:
    """All of a result that anybody can see."""
    error = result.error
    return {
        "ok": result.ok, "value": result.value, "text": result.text, "output": result.output,
        "usage": result.usage, "capabilities": result.capabilities,
        "error": error and (kind_of(error), error.to_json(), error.diagnostic(), error.trace),
    }  # fmt: skip


def difference(there: Result, own: Result) -> Mapping[str, Any]:
    """What is not the same in two results."""
    one, other = seen(there), seen(own)
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


def less(wanted: Program, **limits: Any) -> Program:
    """The same with other limits."""
    return replace(wanted, limits=replace(wanted.limits, **limits))


@contextmanager
def some(boot: str | None = None, **more: Any) -> Iterator[Workers]:
    """Workers of one's own, ended at the end."""
    workers = Workers(**more) if boot is None else Workers(boot, **more)
    try:
        yield workers
    finally:
        workers.close()


linux = sys.platform == "linux"
SMALL = Limits(steps=200_000)
