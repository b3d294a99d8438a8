"""Small worlds whose agents are asked of a model, and what became of a frame of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lisppump.testing import Outcome, Simulation

NAMES = ("ann", "bob", "cid", "dee", "eve", "fay")
POLICY = """
(define (first-frame)
  (dict "agents.json" (dict "agents" (dict {agents}))))

(pump
  (name models)
  (every (seconds 0))
  (clock (start "2026-01-01T00:00:00Z") (step (hours 1)))
  (genesis first-frame)
  (agents "agents.json" agents)
  (streams 6)
  (dam round-robin)
  (backends (model {backend}))
  (pipe model none {pipe})
  (delta
    (lines (fields (agent agent) (text string)) (into "lines.jsonl"))
    (notes (fields (text string)) (into "notes.jsonl"))){more})
"""


def world(folder: Path, backend: str, pipe: str = "(deadline (seconds 60))", more: str = "") -> Simulation:
    """Six agents, each in a room of its own, asked of that backend."""
    agents = " ".join(f'"{name}" (dict "name" "{name.title()}")' for name in NAMES)
    return Simulation(folder, POLICY.format(agents=agents, backend=backend, pipe=pipe, more=more))


def spoken(name: str) -> str:
    """What a model answers for one agent."""
    return json.dumps({"lines": [{"agent": name, "text": f"I am {name}"}]})


def frame(world: Simulation, *more: str) -> tuple[Outcome, dict[str, dict[str, Any]]]:
    """Run one frame by the command line; how that ended, and each agent's stream as `show` tells it."""
    outcome = world.lisppump("run", "--frames", "1", *more)
    shown = world.lisppump("show", "HEAD", "--json")
    assert shown.code == 0, shown.err
    return outcome, {stream["agents"][0]: stream for stream in shown.json["streams"]}
