"""What the tests of imports share: a small world, folders of delta files, and an account that is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lisppump import Pump
from lisppump.report import Imported

POLICY = """\
(define (persona agent room) (dict))
(pump
  (name harbour)
  (agents "agents.json" agents)
  (pipe (lispy (program persona)))
  (delta
    (posts
      (also posts_created)
      (fields (title string (also headline)) (author agent (also agent by)) (body string optional))
      (number number (above "log.json"))
      (into "log.json" posts)
      (count "agents.json" (agents author posts)))
    (comments
      (also comments_added replies_added)
      (fields (post (ref posts) (also discussion target)) (author agent (also agent)) (text string optional))
      (once-per author post text) (into "comments.jsonl")
      (count "agents.json" (agents author comments)))
    (votes
      (also reactions)
      (fields (post (ref posts) required-here (also discussion target))
              (voter agent required-here (also by))
              (type (one-of ("up" "THUMBS_UP" "+1") "down") (also reaction)))
      (once-per voter post type) (into "votes.jsonl"))
    (moods (fields (agent agent) (field (one-of "mood")) (value any)) (into "agents.json" agents)
           (last-writer))
    (badges (fields (name string) (owner agent)) (put name) (into "badges.json"))
    (otherwise append "rest.jsonl")))
"""
STATE: dict[str, Any] = {
    "agents.json": {"agents": {name: {"posts": 0, "comments": 0} for name in ("ann", "bob")}},
    "log.json": {"posts": [{"number": 3, "title": "old", "author": "ann", "url": "x"}]},
    "badges.json": {"gold": {"name": "gold", "owner": "ann"}},
}


def world(folder: Path, policy: str = POLICY) -> Path:
    """A world on disk that has not begun."""
    for name, value in STATE.items():
        put(folder / "state" / name, value)
    (folder / "pump.lisp").write_text(policy)
    return folder


def put(path: Path, value: Any) -> Path:
    """A file: bytes as they are, text as UTF-8, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(value, bytes | str):
        value = json.dumps(value)
    path.write_bytes(value if isinstance(value, bytes) else value.encode())
    return path


def files(folder: Path, contents: Mapping[str, Any]) -> Path:
    """A folder with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in contents.items():
        put(folder / name, value)
    return folder


def taken(root: Path, folder: Path, *, dry_run: bool = False) -> Imported:
    """What an import comes to, its account held to what an account must be."""
    with Pump.open(root) as pump:
        report = pump.import_deltas(folder, dry_run=dry_run)
    for counts in report.items.values():
        assert counts["in"] == counts["merged"] + counts["duplicate"] + counts["quarantined"]
    for outcome in ("merged", "duplicate", "quarantined"):
        told = sum(detail["outcome"] == outcome for detail in report.details)
        assert told == sum(counts[outcome] for counts in report.items.values())
    return report


def outcomes(report: Imported) -> list[tuple[str, str, str | None]]:
    """(path, outcome, reason) of every detail."""
    return [(entry["path"], entry["outcome"], entry["reason"]) for entry in report.details]


def document(root: Path, name: str) -> Any:
    """A document of the head."""
    with Pump.open(root) as pump:
        return json.loads(json.dumps(pump.head.documents[name], default=list))
