"""What comes of programs that agents posted: how many run, whose output agrees, why the others do not run.

    python benchmarks/posted.py [folder] [--list]

The folder holds lispy_posts/programs.jsonl and rappterbook/state; without an argument it is looked for in
LISPPUMP_TEST_DATA, then in ../shared/data. Programs run one by one, with the capability state and nothing
else. With --list every program that does not run has a line: its class and its error; a star marks those that
the original's interpreter ran, with the rule that makes them an error here.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lisppump.lispy import Result, Runtime
from lisppump.lispy.capabilities import State

ROOT = Path(__file__).resolve().parent.parent
LEAK = re.compile(r"Traceback|<class|object at 0x|NoneType|'int'|'str'|\.py\b|lambda>")
DICE = re.compile(r"\((?:random|set-random-seed!)[\s)-]")
KINDS = {  # the class of a program that does not run, by the code of its error
    "unclosed": "unbalanced", "unexpected-close": "unbalanced", "bad-token": "pseudo-code",
    "bad-syntax": "pseudo-code", "unbound": "undefined name", "no-document": "absent document",
    "immutable": "changes data in place", "ambiguous": "two readings", "not-granted": "network",
}  # fmt: skip
RULES = (  # which rule of the language makes an error of what another interpreter let pass
    ("ambiguous", "assoc", "assoc on a dict with two arguments is an error that says get"),
    ("wrong-type", "get wants a position", "get takes a dict or list: a text is no position of a list"),
    ("wrong-type", "got nil", "where a text is wanted nil is a type error, never a silent #f"),
    ("wrong-type", "got a dict", "where a list or text is wanted a dict is a type error, never a silent #f"),
)


@dataclass(frozen=True, slots=True)
class Ran:
    """One program, what came of it, and how long it took."""

    program: dict[str, Any]
    result: Result
    seconds: float

    @property
    def once(self) -> bool:
        """Whether the original's last interpreter ran it."""
        return bool(self.program["original"].get("ok"))

    @property
    def kind(self) -> str:
        """Why it does not run, in a word or two."""
        error = self.result.error
        assert error is not None
        if "curl" in self.program["uses"] and error.message.startswith(("curl ", "this needs")):
            return "network"
        if error.code == "unbound" and "pseudo" in self.program["program"].lower():
            return "pseudo-code"
        return KINDS.get(error.code) or {"limit": "limit"}.get(error.category, "wrong value")

    @property
    def rule(self) -> str:
        """The rule that makes an error of a program that the original ran; empty where none is known."""
        error = self.result.error
        assert error is not None
        found = [rule for code, words, rule in RULES if code == error.code and words in error.message]
        return found[0] if found else ""

    @property
    def recorded(self) -> str | None:
        """How the output is beside the recorded one: same, other state, other dice, different."""
        recorded = self.program.get("recorded")
        if not recorded:
            return None
        wanted = (recorded.get("output") or "").strip()
        printed = self.result.output.strip()
        if recorded.get("error"):
            return "different" if self.result.ok else "same"
        value = json.dumps(self.result.value, indent=2) if self.result.ok else ""
        if wanted in (printed, f"{printed}\n{value}".strip()):
            return "same"
        if DICE.search(self.program["program"]):
            return "other dice"
        return "other state" if self.program["reads"] else "different"


def run(folder: Path) -> list[Ran]:
    """Every program in a runtime of its own; the state is read once."""
    lines = (folder / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines()
    state = State.from_folder(folder / "rappterbook" / "state")
    found: list[Ran] = []
    for line in lines:
        program = json.loads(line)
        start = time.perf_counter()
        result = Runtime(state=state, allow={"state"}).run(program["program"], program["id"])
        found.append(Ran(program, result, time.perf_counter() - start))
    return found


def leaks(found: list[Ran]) -> list[str]:
    """The programs whose error speaks of Python."""
    errors = [(one.program["id"], one.result.error) for one in found if one.result.error is not None]
    return [name for name, error in errors if LEAK.search(f"{error.message} {error.help} {error.trace}")]


def report(found: list[Ran], listed: bool) -> list[str]:
    """The lines of the report."""
    once = [one for one in found if one.once]
    failed = [one for one in found if not one.result.ok]
    recorded = Counter(one.recorded for one in found if one.recorded)
    slowest = max(found, key=lambda one: one.seconds)
    lines = [
        f"{len(found)} programs, {len(found) - len(failed)} run",
        f"{len(once)} ran in the original, {sum(one.result.ok for one in once)} of them run here",
        f"{recorded.total()} have their output recorded: {recorded['same']} agree, "
        f"{recorded['other state']} saw another state, {recorded['other dice']} threw other dice, "
        f"{recorded['different']} differ",
        f"{len(leaks(found))} errors speak of Python; the slowest took {slowest.seconds:.1f} s",
        f"{len(failed)} do not run:",
    ]
    kinds = Counter(one.kind for one in failed).most_common()
    lines.extend(f"  {kind:22} {count:3}" for kind, count in kinds)
    for one in failed if listed else ():
        error = one.result.error
        assert error is not None
        mark = "*" if one.once else " "
        where = f"line {error.span.line}: " if error.span else ""
        lines.append(f"{mark} {one.program['id']:20} {one.kind:22} {where}{error.message}")
        if one.once:
            lines.append(f"  {'':20} {'':22} {one.rule or 'no rule makes this an error'}")
    return lines


def data_folder() -> Path | None:
    """The folder of real data, if there is one."""
    named = os.environ.get("LISPPUMP_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "lispy_posts").is_dir() else None


def main(words: list[str]) -> int:
    """Print the report."""
    names = [word for word in words if word != "--list"]
    folder = Path(names[0]) if names else data_folder()
    if folder is None or not (folder / "lispy_posts").is_dir():
        print("no posted programs: name the folder of real data, or set LISPPUMP_TEST_DATA", file=sys.stderr)
        return 2
    print("\n".join(report(run(folder), "--list" in words)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
