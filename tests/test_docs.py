"""The pages of docs/: the snippets of the tutorial grow worlds that live; the reference is up to date."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from lisppump import Policy, Pump
from lisppump.lispy.nodes import Node
from lisppump.lispy.reader import read
from lisppump.policy import PolicyErrors
from lisppump.words import EXITS
from tests.cli_support import ROOT, Lisppump

TUTORIAL = ROOT / "docs" / "writing-a-world.md"
BLOCK = re.compile(r"^```(\w+)( typo| world)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def key(node: Node) -> str:
    """What a form of the file defines, or which clause it is."""
    if node.head != "define":
        return str(node.head)
    target = node.items[1]
    return f"define {target.head or target.name}"


def grown(text: str, block: str) -> str:
    """A policy with the forms of a block: each replaces its namesake; else it is put before the end."""
    for form in read(block):
        forms = read(text)
        inside = form.head != "define"
        home = list(forms[-1].items[1:]) if inside and forms else forms
        old = next((each for each in home if key(each) == key(form)), None)
        if old is not None:
            text = text[: old.start] + form.text + text[old.end :]
        elif inside and forms and forms[-1].head == "pump":
            text = text[: forms[-1].end - 1] + "\n  " + form.text + text[forms[-1].end - 1 :]
        elif forms and forms[-1].head == "pump":
            text = text[: forms[-1].start] + form.text + "\n\n" + text[forms[-1].start :]
        else:
            text = f"{text}\n\n{form.text}"
    return text


def sections() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The sections of the tutorial with their blocks: language, mark, text."""
    parts = re.split(r"^## ", TUTORIAL.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [(part.splitlines()[0], BLOCK.findall(part)) for part in parts]


def worlds() -> list[tuple[str, str]]:
    """The policy after each section that adds something."""
    text, found = "", []
    for title, blocks in sections():
        snippets = [block for language, mark, block in blocks if language == "lisp" and not mark]
        for block in snippets:
            text = grown(text, block)
        if snippets:
            found.append((title, text))
    return found


WORLDS = worlds()


def test_the_tutorial_has_its_steps() -> None:
    assert [title for title, _ in WORLDS] == [
        "The smallest world", "More people, and who wakes", "Streams", "The dam", "Merge rules", "Echoes",
        "Backends and the prompt", "When to stop",
    ]  # fmt: skip


@pytest.mark.parametrize(("title", "text"), WORLDS, ids=[title for title, _ in WORLDS])
def test_every_step_is_a_world_that_lives(tmp_path: Path, title: str, text: str) -> None:
    (tmp_path / "pump.lisp").write_text(text)
    with Pump.open(tmp_path) as pump:
        assert not pump.policy.changed()
        reports = pump.run(frames=6)
    for report in reports:
        assert set(report.statuses) == {"ok"}, [delta.reason for delta in report.deltas]
        assert not report.quarantine and report.merge["lines"]["merged"] > 0


def state(tmp_path: Path, text: str, frames: int) -> Path:
    (tmp_path / "pump.lisp").write_text(text)
    with Pump.open(tmp_path) as pump:
        pump.run(frames=frames)
    return tmp_path / "state"


def test_what_the_tutorial_says_of_its_steps_is_so(tmp_path: Path) -> None:
    texts = dict(WORLDS)
    folders = {title: tmp_path / str(n) for n, title in enumerate(texts)}
    for folder in folders.values():
        folder.mkdir()
    first = state(folders["The smallest world"], texts["The smallest world"], 3)
    assert len((first / "lines.jsonl").read_text().splitlines()) == 6
    last = state(folders["When to stop"], texts["When to stop"], 8)
    agents = json.loads((last / "agents.json").read_text())["agents"]
    lines = [json.loads(line) for line in (last / "lines.jsonl").read_text().splitlines()]
    stats = json.loads((last / "stats.json").read_text())
    assert stats["lines"] == len(lines) == sum(agent.get("lines", 0) for agent in agents.values()) == 32
    assert "lines" not in agents["gus"]
    assert set(json.loads((last / "purse.json").read_text())) == {"baker", "smith", "farmer"}
    notices = [json.loads(line) for line in (last / "notices.jsonl").read_text().splitlines()]
    assert [notice["number"] for notice in notices] == list(range(1, len(notices) + 1))
    votes = [json.loads(line) for line in (last / "votes.jsonl").read_text().splitlines()]
    assert len({(vote["voter"], vote["notice"]) for vote in votes}) == len(votes) > 0
    echo = json.loads((last / "echo_frames" / "evening.json").read_text())
    assert echo["value"]["signal"].startswith("boost-")
    with Pump.open(folders["When to stop"]) as pump:
        assert len({len(rooms) for _, rooms in pump.head.rooms}) > 1
        assert "notices" in pump.plan().prompts[0].shared and "mood" in pump.plan().prompts[0].room


def test_the_typo_of_the_tutorial_says_what_is_shown(tmp_path: Path) -> None:
    blocks = [block for _, found in sections() for block in found]
    ((typo, shown),) = [(one[2], two[2]) for one, two in pairwise(blocks) if one[1] == " typo"]
    path = tmp_path / "pump.lisp"
    path.write_text(grown(WORLDS[-1][1], typo))
    with pytest.raises(PolicyErrors) as caught:
        Policy.load(path)
    (error,) = caught.value.errors
    lines = error.diagnostic().splitlines()
    assert [lines[0], lines[-1]] == shown.splitlines()


def test_the_world_whose_agents_write_programs_does_what_is_said(tmp_path: Path) -> None:
    (text,) = [block for _, found in sections() for _, mark, block in found if mark == " world"]
    folder = state(tmp_path, text, 2)
    programs = json.loads((folder / "programs.json").read_text())
    assert sorted(programs) == ["ada", "ben"] and isinstance(programs["ada"]["source"], str)
    echo = json.loads((folder / "echo_frames" / "ada.json").read_text())
    assert echo["value"] == {"agents": 2, "signal": "boost-baker"} and echo["frame"] == 2
    with Pump.open(tmp_path) as pump:
        (report,) = pump.step()
        assert pump.head.virtual["echo"]["signals"] == {"boost": "baker"} and report.notes == ()


def test_what_the_tutorial_shows_of_the_example_is_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pump.lisp").write_text((ROOT / "pump.lisp").read_text())
    lisppump = Lisppump(capsys)
    assert lisppump("-C", tmp_path, "run", "--frames", "10", "-q").code == 0
    (found,) = [found for title, found in sections() if title.startswith("What happened")]
    (commands,) = [text for language, _, text in found if language == "sh"]
    lines = [*commands.splitlines(), "lisppump why uma 9"]
    told = [line for words in lines for line in lisppump("-C", tmp_path, *words.split()[1:]).out.splitlines()]
    for text in (text for language, _, text in found if language == "text"):
        assert [line for line in text.splitlines() if line not in told] == []


def test_the_commands_of_the_tutorial_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lisppump = Lisppump(capsys)
    (tmp_path / "pump.lisp").write_text(WORLDS[-1][1])
    text = TUTORIAL.read_text(encoding="utf-8")
    blocks = [block for _, found in sections() for language, _, block in found if language == "sh"]
    inline = re.findall(r"`(lisppump [^`]*)`", text)
    for line in [*"".join(blocks).splitlines(), *inline]:
        words = [word.replace("NAME", "streams") for word in shlex.split(line)[1:]]
        if words != ["run"]:  # that one goes on until it is stopped
            assert lisppump("-C", tmp_path, *words).code == 0, line
    for word in ("streams", "dam affinity", "take", "wrong-unit"):
        assert f"`{word}`" in text


def test_the_reference_is_up_to_date() -> None:
    command = [sys.executable, ROOT / "docs" / "make_reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert target.startswith("https://") or (ROOT / "docs" / target).is_file(), target


def test_the_exit_codes_are_those_that_describe_tells(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE) == [
        (str(code), meaning) for code, meaning in EXITS.items()
    ]
    said = Lisppump(capsys)("describe", "exit-codes").out
    assert list(EXITS) == [0, 1, 2, 3, 4, 5, 6, 70, 130]
    assert all(f"  {code}: {meaning}" in said for code, meaning in EXITS.items())
