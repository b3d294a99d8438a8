"""Programs that agents really posted: nearly all that once ran run here, and none lets a host error out."""

from __future__ import annotations

import json
from pathlib import Path

from lisppump.lispy import Limits, Runtime
from lisppump.lispy.capabilities import State


def test_posted_programs_run(shared_data: Path) -> None:
    lines = (shared_data / "lispy_posts" / "programs.jsonl").read_text("utf-8").splitlines()
    programs = [json.loads(line) for line in lines]
    state = State.from_folder(shared_data / "rappterbook" / "state")
    limits = Limits(steps=3_000_000)
    ran = {
        program["id"]
        for program in programs
        if Runtime(state=state, allow={"state"}, limits=limits).run(program["program"]).ok
    }
    once = {program["id"] for program in programs if program["original"].get("ok")}
    assert len(once) == 228
    assert len(ran & once) >= 220
    assert len(ran) >= 250
