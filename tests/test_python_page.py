"""docs/python.md: its blocks run one after the other; what the page leaves out; misuse from Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lisppump import LisppumpError, Pump
from tests.cli_support import ROOT, Lisppump

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
NAMES = (
    "open", "head", "frame", "plan", "step", "run", "status", "show", "diff", "why", "replay", "rollback",
    "undo", "retry", "import_deltas", "quarantine", "events",
)  # fmt: skip


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def test_the_page_runs_as_it_stands(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert lisppump("init", "my-world").code == 0
    (tmp_path / "elsewhere").mkdir()
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        exec(block, names)
    said = capsys.readouterr().out
    assert "[1, 2, 3] 3" in said and "frame_committed" in said and "closed\nthis pump is closed" in said
    for name in NAMES:
        assert f"pump.{name}" in PAGE or f"Pump.{name}" in PAGE


def test_a_closed_pump_says_that_it_is_closed(tmp_path: Path, lisppump: Lisppump) -> None:
    assert lisppump("init", str(tmp_path / "w")).code == 0
    with Pump.open(tmp_path / "w") as pump:
        pump.step()
    for act in (pump.step, pump.run, pump.undo, lambda: pump.retry(1, [1])):
        with pytest.raises(LisppumpError, match="this pump is closed") as caught:
            act()
        assert caught.value.code == "closed"
    assert pump.status().frame == pump.head.number == 1


def test_what_is_no_number_of_a_frame_says_what_is_wanted(tmp_path: Path, lisppump: Lisppump) -> None:
    assert lisppump("init", str(tmp_path / "w")).code == 0
    wrong: list[object] = ["HEAD~", "1", True, 1.0]
    with Pump.open(tmp_path / "w") as pump:
        pump.step()
        for bad in wrong:
            acts = (pump.rollback, pump.frame, pump.show, pump.diff, pump.replay)
            for act in (*acts, lambda n: pump.retry(n, [1])):
                with pytest.raises(LisppumpError, match="named by its number here") as caught:
                    act(bad)  # type: ignore[operator]
                assert caught.value.help is not None and "pump.head.number - 1" in caught.value.help


def test_describe_lists_the_methods_of_a_pump(lisppump: Lisppump) -> None:
    said = lisppump("describe", "Pump").out
    for name in NAMES:
        assert re.search(rf"^  {name}\b", said, re.MULTILINE), name
    method = "rollback(number: int, *, record: int | None = None, dry_run: bool = False) -> Rewound"
    assert f"  {method}  Go back" in said
