"""Replies of a real small model in the rooms of agora, and what the tolerant reader makes of each.

`bad_replies/real/smollm2.json` holds them as they came from SmolLM2 (135 million parameters) by the backend
`llama`: to the prompt of a frame, with and without its schema enforced, or to a shorter one with an example
of an answer; at several temperatures, cut off at several lengths. `comes` is null where nothing is to be
read, as of what says the prompt back.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lisppump.delta import DeltaError, Schema
from lisppump.policy import Policy
from lisppump.registry import Registry
from lisppump.schema import check
from lisppump.schema_reply import read_reply
from tests.conftest import ROOT

REPLIES = json.loads((Path(__file__).parent / "bad_replies" / "real" / "smollm2.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def agora(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    folder = tmp_path_factory.mktemp("agora")
    shutil.copyfile(ROOT / "lisp_lib" / "world_agora.lisp", folder / "pump.lisp")
    return Policy.load(folder / "pump.lisp", registry=Registry.load(folder)).schema


@pytest.mark.parametrize("number", range(len(REPLIES)))
def test_a_real_reply_comes_to_what_it_says(agora: Schema, number: int) -> None:
    reply: dict[str, Any] = REPLIES[number]
    if reply["comes"] is None:
        with pytest.raises(DeltaError):
            read_reply(reply["text"], agora)
        return
    reading = read_reply(reply["text"], agora)
    accepted, rejected = check(agora, reading.data)
    assert accepted == reply["comes"]
    assert [problem.reason for problem in rejected] == reply["aside"]
    assert reading.cut is reply["cut"]


def test_what_was_held_to_the_schema_is_unusable_only_where_it_was_cut_off(agora: Schema) -> None:
    held = [reply for reply in REPLIES if reply["schema"]]
    assert len(held) >= 12
    for reply in held:
        assert reply["comes"] is not None
        assert set(reply["aside"]) <= {"cut-off"}
        for items in reply["comes"].values():
            for item in items:
                acting = {item[name] for name in ("author", "voter", "agent") if name in item}
                assert acting <= set(reply["room"])
