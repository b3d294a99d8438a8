"""Drop-ins as plugins: what trust covers, and which file is which plugin."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lisppump import discovery, trust
from lisppump.plugin import BROKEN, FOUND, OFF, UNTRUSTED
from tests.dropins_support import FILES, look, modules, world

pytestmark = pytest.mark.usefixtures("no_dropin_stays")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return world(tmp_path / "world")


def states(root: Path, *, trusted: bool | None = None) -> dict[str, str]:
    found = discovery.find(root, trusted=trusted)
    return {each.plugin.name: each.plugin.state for each in found if each.plugin.origin == "folder"}


def test_whatever_is_changed_after_it_was_trusted_is_trusted_no_more(root: Path) -> None:
    assert states(root) == {"tides": UNTRUSTED}
    changes = [("tides.py", "x = 1"), ("_shared.py", "y = 2"), ("tools/moon.py", "z = 3"), ("new.py", "")]
    for name, text in changes:
        trust.trust(root, look(root).digest)
        assert set(states(root).values()) == {FOUND}
        (root / "plugins" / name).write_text(text)
        assert set(states(root).values()) == {UNTRUSTED}
    assert modules() == set()


def test_an_answer_given_by_hand_stands_above_it(root: Path) -> None:
    assert states(root, trusted=True) == {"tides": FOUND}
    trust.trust(root, look(root).digest)
    assert states(root, trusted=False) == {"tides": UNTRUSTED}


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_one_file_under_two_names_is_one_plugin(root: Path, link: object) -> None:
    link(root / "plugins" / "tides.py", root / "plugins" / "zebra.py")  # type: ignore[operator]
    link(root / "plugins" / "_shared.py", root / "plugins" / "ebb.py")  # type: ignore[operator]
    assert look(root).twins == {"zebra": "tides"}
    found = {each.plugin.name: each.plugin for each in discovery.find(root, trusted=True)}
    assert [found[name].state for name in ("ebb", "tides", "zebra")] == [FOUND, FOUND, OFF]
    assert found["zebra"].reason == "it is the same file as plugins/tides.py"


def test_a_copy_is_no_twin(tmp_path: Path) -> None:
    assert look(world(tmp_path, zebra=FILES["plugins/tides.py"])).twins == {}


def test_where_nobody_can_say_whether_it_is_trusted_nothing_runs(root: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[trusted\n")
    (plugin,) = [each.plugin for each in discovery.find(root) if each.plugin.origin == "folder"]
    assert plugin.state == BROKEN and "config.toml:1" in str(plugin.reason)


def test_a_file_that_nobody_trusts_switches_no_installed_plugin_off(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "guard-1.dist-info").mkdir(parents=True)
    (site / "guard-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: guard\nVersion: 1\n")
    (site / "guard-1.dist-info" / "entry_points.txt").write_text("[lisppump]\nguard = guard_module\n")
    (site / "guard_module.py").write_text("")
    (root / "plugins" / "guard.py").symlink_to(site / "guard_module.py")
    monkeypatch.syspath_prepend(str(site))
    for trusted, state in ((False, FOUND), (True, OFF)):
        found = discovery.find(root, trusted=trusted)
        assert [each.plugin.state for each in found if each.plugin.distribution == "guard"] == [state]


def test_the_digest_of_a_plugin_is_that_of_all_it_imports(tmp_path: Path) -> None:
    words = {
        "a": "from .b import SEATS\n", "b": "from . import (\n    c,\n)\n", "c": "import sys\n",
        "d": "# It stands before b and c.\n", "e": "import_module('.c', __package__)\n",
    }  # fmt: skip
    before = look(world(tmp_path, **words))
    for changed, others in (("c", "abce"), ("b", "ab"), ("a", "a"), ("d", "d")):
        after = look(world(tmp_path, **{**words, changed: words[changed] + "# more\n"}))
        names = [name for name in words if after.digest_of(name) != before.digest_of(name)]
        assert names == list(others)


def test_imports_without_an_end_are_read_in_one_go(root: Path) -> None:
    (root / "plugins" / "long.py").write_text("from .(" * 500_000)
    assert look(root).digest_of("long")


def test_the_name_of_a_file_writes_no_lines_of_its_own(root: Path) -> None:
    (root / "plugins" / "x\nready  all-is-well.py").write_text("")
    (plugin,) = [each.plugin for each in discovery.find(root) if each.plugin.name.startswith("x")]
    assert plugin.id == r"plugins/x\nready  all-is-well.py" and "\n" not in plugin.line()
