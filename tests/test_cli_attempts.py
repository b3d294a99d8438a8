"""A world run from the command line against a program that answers badly: each room in its own way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli_support import Lisppump
from tests.test_pour import world

ORACLE = '''\
import json, os, sys
asked = sys.stdin.read()
again = "That cannot be used" in asked
who = asked[asked.rindex("Its agents:"):].split("- ", 1)[1].split(":", 1)[0]
line = lambda text: {"lines": [{"agent": who, "text": text}]}
if who == "ann":
    print(json.dumps(line("hi")))
elif who == "bob":
    print(json.dumps(line("mended")) if again else "I think that bob would greet everybody.")
elif who == "cid":
    print("I would rather not.", "Really." if again else "")
elif who == "dee":
    print("Sure:\\n```\\n{'LINES': {'agent': 'dee', 'text': \\"it's me\\"}}\\n```\\nEnjoy!")
elif who == "eve":
    print(json.dumps(line("whole"))[:-2] + ', {"agent": "eve", "te')
else:
    sys.exit("no money left")
'''


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def test_each_room_ends_as_it_should_and_the_others_are_merged(lisppump: Lisppump, tmp_path: Path) -> None:
    oracle = tmp_path / "oracle.py"
    oracle.write_text(ORACLE)
    command = f'(command "{sys.executable}" "{oracle}")'
    root = world(
        tmp_path / "w",
        {
            "(script (lispy (program persona)))": f"(script {command})",
            "(pipe script (deadline (seconds 1)))": "(pipe script none (deadline (seconds 60)))",
        },
    )
    outcome = lisppump("-C", root, "run", "--frames", "1")
    assert outcome.code == 0, outcome.err
    shown = lisppump("-C", root, "show", "--json").json
    found = {entry["agents"][0]: entry for entry in shown["streams"]}
    statuses = {who: (entry["status"], entry["partial"]) for who, entry in found.items()}
    assert statuses == {
        "ann": ("ok", False), "bob": ("ok", False), "cid": ("invalid", False), "dee": ("ok", False),
        "eve": ("ok", True), "fay": ("failed", False),
    }  # fmt: skip
    assert [entry["status"] for entry in found["bob"]["attempts"]] == ["invalid", "ok"]
    assert "`LINES` is read as `lines`" in found["dee"]["reason"]
    assert found["eve"]["reason"].startswith("repaired") and "no money left" in found["fay"]["reason"]
    assert shown["merge"]["merged"] == 4
    assert [entry["reason"] for entry in shown["quarantined"]] == ["cut-off"]
    told = lisppump("-C", root, "show").out
    assert "    attempt 2  script  ok" in told and "    attempt 1  script  invalid  " in told
    why = lisppump("-C", root, "why", "cid", "1").out
    assert "I would rather not. Really." in why and "invalid" in why
    assert lisppump("-C", root, "replay").code == 0


def test_who_answered_for_another_does_not_hide_why(lisppump: Lisppump, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    changes = {
        "(script (lispy": f'(first (command "{absent}")) (script (lispy',
        "(pipe script (deadline (seconds 1)))": "(pipe first script none (deadline (seconds 60)))",
    }
    root = world(tmp_path / "w", changes)
    assert lisppump("-C", root, "run", "--frames", "1").code == 0
    for command in ("show", "status"):
        told = lisppump("-C", root, command).out
        assert told.count("    attempt 1  first   failed") == 6, told
        assert f"`{absent}` does not exist" in told and "    attempt 2  script  ok" in told
