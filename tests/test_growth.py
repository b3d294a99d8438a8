"""A long life costs a frame what a short one does: by counts, over 300 frames with 15 pipes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("growth", ROOT / "benchmarks" / "growth.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "growth", module)
    spec.loader.exec_module(module)
    return module


def test_three_hundred_frames_cost_the_same_each(ram_path: Path, growth: ModuleType) -> None:
    first, *rest = growth.blocks(ram_path, 300, 15, many=6)
    assert first.records == 17  # an intent, fifteen replies with what they came to, a commit
    assert {block.records for block in rest} <= {17, 17 + 1 / 50}  # and where a segment begins, a snapshot
    last = rest[-1]
    assert max(block.writes for block in rest) <= first.writes + 2
    assert max(block.syncs for block in rest) <= 8  # those that replies ask for come in groups
    assert max(block.renames for block in rest) <= first.renames + 1
    assert last.objects - rest[0].objects < 1000
    # What is packed is smaller than what came; the rest is one segment, and all bases are a few documents.
    assert last.journal < 1.3 * last.raw + 4.5e6
    assert last.bases < 4e6
