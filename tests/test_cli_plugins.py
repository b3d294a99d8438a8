"""`lisppump plugins` and `plugins why`: what there is, who has a name, whatever is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli_support import Lisppump, golden, spawn
from tests.distributions import Install

DAM = '''
from lisppump import hookimpl


class Ebb:
    """Seats everybody in one room."""

    def assign(self, frame, agents, n, seed):
        return [[agent.id for agent in agents]]


@hookimpl
def dams():
    return {"ebb": Ebb}
'''
POLICY = """\
(pump
  (name world)
  (agents "agents.json" agents)
  (dam ebb)
  (pipe none)
  (delta))
"""


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lisppump:
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    (folder / "plugins").mkdir(parents=True)
    (folder / "pump.lisp").write_text(POLICY)
    return folder


def shown(text: str, *paths: Path) -> str:
    for path in paths:
        text = text.replace(str(path), "...")
    return text


def test_without_a_plugin_there_are_the_built_in_stages(lisppump: Lisppump, tmp_path: Path) -> None:
    done = lisppump("-C", tmp_path, "plugins")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("no plugins but the built-in stages:\n")
    for name in ("affinity", "dream-catcher", "lispy", "agents-programs"):
        assert name in done.out


def test_every_state_has_its_line(lisppump: Lisppump, world: Path, install: Install) -> None:
    install("alpha-ebb", "ebb", DAM)
    install("beta-ebb", "ebb", DAM)
    install("gone", "gone", "raise RuntimeError('no tide today')\n")
    install("noisy", "noisy", DAM)
    (world / "plugins" / "mine.py").write_text(DAM)
    (world / "plugins" / "_shared.py").write_text("")
    done = lisppump("-C", world, "-p", "no:noisy", "plugins")
    assert done.code == 0
    golden("plugins.txt", shown(done.out, world, world.parent))
    document = lisppump("-C", world, "-p", "no:noisy", "plugins", "--json").json
    states = {entry["plugin"]: (entry["state"], entry["named"]) for entry in document["plugins"]}
    assert states == {
        "plugins/mine.py": ("untrusted", False),
        "alpha-ebb:ebb": ("ready", True),
        "beta-ebb:ebb": ("ready", False),
        "gone:gone": ("broken", False),
        "noisy:noisy": ("off", False),
    }
    assert document["schema"] == "lisppump/plugins@1" and len(document["clashes"]) == 1


def test_who_has_a_name_and_who_is_reached_how(lisppump: Lisppump, world: Path, install: Install) -> None:
    install("alpha-ebb", "ebb", DAM)
    install("beta-ebb", "tide", DAM)
    done = lisppump("-C", world, "plugins", "why", "ebb")
    assert done.code == 0
    golden("plugins-why.txt", shown(done.out, world, world.parent))
    document = lisppump("-C", world, "plugins", "why", "ebb", "--json").json
    assert [(entry["reached_as"], entry["plugin"], entry["chosen"]) for entry in document["offers"]] == [
        ("ebb", "alpha-ebb:ebb", ["pump.lisp:4"]),
        ("beta-ebb/ebb", "beta-ebb:tide", []),
    ]
    assert [entry["plugin"] for entry in document["plugins"]] == ["alpha-ebb:ebb"]
    assert lisppump("-C", world, "plugins", "why", "beta-ebb/ebb").code == 0


def test_a_built_in_stage_is_told_of_as_well(lisppump: Lisppump, world: Path, install: Install) -> None:
    install("alpha-ebb", "ebb", DAM)
    done = lisppump("-C", world, "plugins", "why", "none")
    assert "backend `none` of lisppump:none" in done.out and "chosen in pump.lisp:5" in done.out


def test_a_drop_in_comes_first_once_it_is_trusted(lisppump: Lisppump, world: Path, install: Install) -> None:
    install("alpha-ebb", "ebb", DAM)
    (world / "plugins" / "mine.py").write_text(DAM)
    assert lisppump("-C", world, "trust", "--yes").code == 0
    offers = lisppump("-C", world, "plugins", "why", "ebb", "--json").json["offers"]
    assert [(entry["reached_as"], entry["plugin"]) for entry in offers] == [
        ("ebb", "plugins/mine.py"),
        ("alpha-ebb/ebb", "alpha-ebb:ebb"),
    ]
    assert lisppump("-C", world, "check").code == 0
    (world / "pump.lisp").write_text(POLICY.replace("ebb", "mine/ebb"))
    assert lisppump("-C", world, "check").code == 0


def test_what_nobody_is_called_is_suggested_another(lisppump: Lisppump, world: Path) -> None:
    done = lisppump("-C", world, "plugins", "why", "afinity")
    assert done.code == 1
    assert done.err == (
        "error[no-such-plugin]: no plugin is called `afinity`, and none offers it\n"
        "  help: did you mean `affinity`?\n"
    )


def test_a_misspelt_subcommand(lisppump: Lisppump) -> None:
    done = lisppump("plugins", "lst")
    assert done.code == 2 and "`plugins` has no command `lst`; did you mean `list`?" in done.err


@pytest.mark.parametrize("policy", ["(pump", "", "(pump (name x))", None])
def test_it_works_where_pump_lisp_does_not_check(
    lisppump: Lisppump, world: Path, install: Install, policy: str | None
) -> None:
    install("alpha-ebb", "ebb", DAM)
    if policy is None:
        (world / "pump.lisp").unlink()
    else:
        (world / "pump.lisp").write_text(policy)
    for words in (("plugins",), ("plugins", "list"), ("plugins", "why", "ebb")):
        done = lisppump("-C", world, *words)
        assert (done.code, done.err) == (0, "") and "alpha-ebb:ebb" in done.out


def test_global_options_may_stand_anywhere(lisppump: Lisppump, world: Path) -> None:
    for words in (("plugins", "--json"), ("plugins", "list", "--json"), ("--json", "plugins")):
        assert json.loads(lisppump(*words, "-C", world).out)["schema"] == "lisppump/plugins@1"


def test_a_switch_that_nobody_answers_to_is_spoken_of(
    lisppump: Lisppump, world: Path, install: Install
) -> None:
    install("alpha-ebb", "ebb", DAM)
    done = lisppump("-C", world, "-p", "no:alpha-eb", "check")
    assert done.err == "-p no:alpha-eb: no plugin is called so; did you mean `alpha-ebb`?\n"
    assert lisppump("-C", world, "-p", "no:alpha-ebb", "check").code == 4


def test_a_folder_whose_name_is_no_unicode_can_be_told_of(world: Path) -> None:
    folder = world.rename(os.fsdecode(os.fsencode(world) + b"\xff"))
    (folder / "plugins" / "mine.py").write_text(DAM)
    for words, code in ((("plugins",), 0), (("plugins", "why", "mine"), 0), (("doctor",), 1)):
        done = spawn("-C", folder, *words, "--json", LISPPUMP_CONFIG=str(world.parent / "config.toml"))
        assert done.code == code and "error" not in done.json, done.out
        assert done.json["schema"].startswith(f"lisppump/{words[0]}")
