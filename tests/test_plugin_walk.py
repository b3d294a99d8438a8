"""The tutorial about plugins, walked: its commands run in a fresh environment and show what it shows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli_support import ROOT
from tests.fresh_venv import Environment, fresh_environment
from tests.test_docs import grown

PAGE = ROOT / "docs" / "writing-a-plugin.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAME = [
    (r"sha256:[0-9a-f]{64}", "sha256:..."),
    (r"\b\d+\.\d+( ?)s\b", r"0.1\1s"),
    (r"/python3\.\d+/", "/python3/"),
]


@dataclass
class Walk:
    """Somebody who reads the page in a terminal, and does what it says."""

    environment: Environment
    place: Path = field(init=False)

    def __post_init__(self) -> None:
        self.place = self.environment.home

    def read(self, page: str) -> str:
        """The page with what the commands on it show now."""
        return BLOCK.sub(self._block, page)

    def _block(self, found: re.Match[str]) -> str:
        language, file, text = found.groups()
        if language == "console":
            lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
            shown = "".join(f"$ {line}\n{self._do(line)}" for line in lines)
            return f"```console\n{shown}```"
        if file is not None:
            path = self.place / file
            path.write_text(grown(path.read_text(), text) if language == "lisp" else text)
        return found[0]

    def _do(self, line: str) -> str:
        """What a terminal shows of a command line; stdout and stderr in their order."""
        if line.startswith("cd "):
            self.place = self.place / line[3:]
            return ""
        outcome = self.environment.run(
            "sh", "-c", f"exec 2>&1; {line}", cwd=self.place, env={"PYTHONUNBUFFERED": "1"}
        )
        shown = outcome.out
        for path, name in ((self.environment.home, "/home/you"), (self.environment.folder, "/home/you/venv")):
            shown = shown.replace(str(path), name)
        for pattern, same in SAME:
            shown = re.sub(pattern, same, shown)
        return shown


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> str:
    return Walk(fresh_environment(tmp_path_factory)).read(PAGE.read_text(encoding="utf-8"))


def test_the_page_shows_what_happens(walked: str) -> None:
    if os.environ.get("LISPPUMP_WRITE_GOLDEN"):
        PAGE.write_text(walked, encoding="utf-8")
    assert walked == PAGE.read_text(encoding="utf-8"), "LISPPUMP_WRITE_GOLDEN=1 writes the page anew"


def test_the_page_names_every_check_for_authors() -> None:
    from lisppump import testing

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in testing.__all__ if name.startswith("check_") and f"`{name}`" not in text] == []


def test_the_page_names_every_kind_of_skeleton() -> None:
    from lisppump.cli.plugins_new import SKELETONS

    text = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in SKELETONS if f"`{kind}`" not in text] == []
