"""The pinned documents of the command line: keys in their order with their types, in one golden file each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import ROOT, Lisppump, golden

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
OPEN = (
    "documents", "statuses", "collections", "overrides", "results", "signals", "circuits", "items", "keys",
    "agents", "changes",
)  # fmt: skip
"""Members of these are named by the world; one of them stands for all."""


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Rooms in which one answers nonsense, one speaks for another and the rest say something."""
    text = ROOMS.replace(
        "(define (persona agent room)",
        """(define (persona agent room)
  (let ((id (get agent "id")))
    (cond ((equal? id "ann") (error "out of words"))
          ((equal? id "bob") {"lines" (list {"agent" "ann" "text" "I am Ann"})})
          (else (spoken agent room)))))

(define (spoken agent room)""",
    )
    (tmp_path / "pump.lisp").write_text(text)
    return tmp_path


def shape(value: Any, key: str = "") -> Any:
    """A document with types for values: lists by their first element, open dicts by their first member."""
    if isinstance(value, dict):
        entries = list(value.items())
        if key in OPEN:
            return {"NAME": shape(entries[0][1])} if entries else {}
        return {name: shape(entry, name) for name, entry in entries}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str):
        return "digest" if DIGEST.fullmatch(value) else "time" if TIME.fullmatch(value) else "string"
    return {bool: "boolean", int: "integer", float: "number", type(None): "null"}[type(value)]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from strings(entry)
    elif isinstance(value, str):
        yield value


def hold(name: str, document: dict[str, Any]) -> None:
    """Hold a document to its golden shape; digests and times are written in one way wherever they stand."""
    known = (f"lisppump/{name}@1", f"lisppump/{name.split('-')[0]}@1")
    assert next(iter(document)) == "schema" and document["schema"] in known
    for text in strings(document):
        assert not re.search(r"\b[0-9a-f]{64}\b", text) or DIGEST.fullmatch(text), text
        assert not re.match(r"\d{4}-\d\d-\d\d", text) or TIME.fullmatch(text), text
    golden(f"shape-{name}.json", json.dumps(shape(document), indent=1) + "\n")


def test_status(lisppump: Lisppump, world: Path) -> None:
    hold("status-fresh", lisppump("-C", world, "status", "--json").json)
    lisppump("-C", world, "step", "-q")
    document = lisppump("-C", world, "status", "--json").json
    assert [stream["stream"] for stream in document["streams"]] == [1, 2, 3, 4, 5, 6]
    hold("status", document)


def test_plan(lisppump: Lisppump, world: Path) -> None:
    document = lisppump("-C", world, "plan", "--streams", "5", "--json").json
    assert [stream["stream"] for stream in document["streams"]] == [1, 2, 3, 4, 5]
    hold("plan", document)
    hold("prompt", lisppump("-C", world, "plan", "--prompt", "1", "--json").json)


def test_show(lisppump: Lisppump, world: Path) -> None:
    hold("show-fresh", lisppump("-C", world, "show", "0", "--json").json)
    lisppump("-C", world, "step", "-q")
    assert lisppump("-C", world, "show", "0", "--json").json["parent"] is None
    (world / "state" / "stats.json").write_text('{"total_lines": 50}')
    lisppump("-C", world, "run", "--frames", "1", "--streams", "6", "-q")
    hold("show", lisppump("-C", world, "show", "--json").json)


def test_diff_and_why(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-n", "2", "-q")
    hold("diff", lisppump("-C", world, "diff", "1", "--json").json)
    hold("why", lisppump("-C", world, "why", "bob", "1", "--prompt", "--json").json)
    hold("why-failed", lisppump("-C", world, "why", "ann", "--json").json)
    hold("why-asleep", lisppump("-C", world, "why", "ann", "0", "--json").json)


def test_run_and_step_lines(lisppump: Lisppump, world: Path) -> None:
    for words in (["run", "--frames", "2"], ["step", "-n", "2"]):
        for line in lisppump("-C", world, *words, "--json", "-q").lines:
            hold("frame", line)


def test_log_lines(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-n", "2", "-q")
    lines = lisppump("-C", world, "log", "--json").lines
    for line in lines:
        hold("log", line)
        assert line["digest"] == lisppump("-C", world, "show", str(line["frame"]), "--json").json["digest"]
    lisppump("-C", world, "undo", "--yes")
    hold("log-all", lisppump("-C", world, "log", "--all", "--json").lines[1])


def test_import_and_quarantine(lisppump: Lisppump, world: Path) -> None:
    lines = [{"agent": "ann", "text": "x"}, {"agent": "nobody", "text": "x"}]
    (world / "in").mkdir()
    (world / "in" / "a.json").write_text(json.dumps({"frame": "7b", "lines": lines, "odd": 1}))
    (world / "in" / "b.json").write_text("no JSON")
    hold("import-deltas", lisppump("-C", world, "import-deltas", world / "in", "--json").json)
    hold("show-import", lisppump("-C", world, "show", "--json").json)
    hold("quarantine", lisppump("-C", world, "quarantine", "list", "--json").json)
    hold("quarantine-entry", lisppump("-C", world, "quarantine", "show", "1.1", "--json").json)
    hold("quarantine-released", lisppump("-C", world, "quarantine", "accept", "1.1", "--json").json)


def test_fmt(lisppump: Lisppump, tmp_path: Path) -> None:
    (tmp_path / "a.lisp").write_text("(f\nx)")
    hold("fmt", lisppump("fmt", "--check", "--diff", tmp_path / "a.lisp", "--json").json)


def test_eval(lisppump: Lisppump, world: Path) -> None:
    hold("eval", lisppump("-C", world, "eval", '(println "x") (rb-frame)', "--json").json)
    hold("eval-failed", lisppump("-C", world, "eval", "(carr 5)", "--json").json)


def test_check_describe_and_init(lisppump: Lisppump, world: Path) -> None:
    hold("check", lisppump("-C", world, "check", "--json").json)
    hold("describe", lisppump("describe", "take", "--json").json)
    hold("apropos", lisppump("apropos", "plan", "--json").json)
    hold("completion", lisppump("completion", "bash", "--json").json)
    hold("doctor", lisppump("-C", world, "doctor", "--json").json)
    hold("init", lisppump("init", world / "inner", "--json").json)
    (world / "pump.lisp").write_text("(pump (name x))")
    hold("check-failed", lisppump("-C", world, "check", "--json").json)
    hold("error-many", lisppump("-C", world, "plan", "--json").json)


def test_error(lisppump: Lisppump, tmp_path: Path) -> None:
    hold("error", lisppump("-C", tmp_path, "status", "--json").json)


def test_verify_and_repair(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-n", "2", "-q")
    hold("verify", lisppump("-C", world, "verify", "--json").json)
    (segment,) = (world / ".lisppump" / "journal").iterdir()
    data = bytearray(segment.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    segment.write_bytes(data)
    hold("verify-damaged", lisppump("-C", world, "verify", "--json").json)
    hold("repair", lisppump("-C", world, "repair", "--yes", "--json").json)


def test_a_delta_file(lisppump: Lisppump, world: Path) -> None:
    lisppump("-C", world, "step", "-q")
    files = sorted((world / "state" / "stream_deltas").iterdir())
    documents = [json.loads(path.read_text()) for path in files]
    assert [path.stem for path in files] == [f"frame-000001-{each['stream_id']}" for each in documents]
    assert [each["stream_id"] for each in documents] == [f"stream-{n:04d}" for n in range(1, 7)]
    assert [each["stream"] for each in documents] == [1, 2, 3, 4, 5, 6]
    (silent,) = [each for each in documents if each["status"] == "invalid"]
    spoken = next(each for each in documents if each["status"] == "ok")
    golden("shape-delta.json", json.dumps(shape(spoken), indent=1) + "\n")
    assert list(silent) == list(spoken)[:11]


def test_no_shape_is_left_over() -> None:
    source = Path(__file__).read_text()
    for path in (ROOT / "tests" / "golden" / "cli").glob("shape-*.json"):
        assert f'"{path.stem.removeprefix("shape-")}"' in source or path.stem == "shape-delta"
