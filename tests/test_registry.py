"""Discovery, checks and names of plugins; installed ones are real distributions on the path."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import call
from zipfile import ZipFile

import click
import pytest

from lisppump import hookimpl, lispy_builtin
from lisppump.errors import LisppumpError
from lisppump.lispy import Runtime
from lisppump.registry import Registry
from lisppump.stages import KINDS, Option
from tests.distributions import Install

ONE_OF_EACH = """
    from lisppump import hookimpl

    class Stage:
        def assign(self, frame, agents, n, seed): return []
        async def pour(self, request): ...
        def merge(self, frame, deltas, schema): ...
        def think(self, frame, seed): return []
        async def run(self, jobs): ...
        def names(self): return []
        def read(self, name): ...
        def write(self, name, value): ...
        def append(self, name, items): ...
        def delete(self, name): ...
        def fingerprint(self, name): ...

    @hookimpl
    def dams(): return {"tides": Stage}
    @hookimpl
    def backends(): return {"tides": Stage}
    @hookimpl
    def mergers(): return {"tides": Stage}
    @hookimpl
    def echoes(): return {"tides": Stage}
    @hookimpl
    def executors(): return {"tides": Stage}
    @hookimpl
    def reservoirs(): return {"tides": Stage}
"""


def test_an_installed_package_offers_every_kind_of_stage(install: Install) -> None:
    install("lisppump-tides", "tides", ONE_OF_EACH)
    registry = Registry.load()
    assert not registry.broken
    for kind in KINDS:
        offer = registry.find(kind, "tides")
        assert (offer.plugin, offer.version) == ("lisppump-tides:tides", "1.2")
        assert offer.file is not None and offer.file.endswith("lisppump_tides.py")


def test_a_broken_package_is_one_line_and_the_others_work(install: Install) -> None:
    install("lisppump-bad", "bad", "x = 1\nraise RuntimeError('no tide today')\n")
    install("lisppump-tides", "tides", ONE_OF_EACH)
    registry = Registry.load()
    assert registry.find("dam", "tides")
    (broken,) = registry.broken
    line = broken.line()
    assert line.startswith("plugin lisppump-bad 1.2 is broken at ")
    assert line.endswith("lisppump_bad.py:2: RuntimeError: no tide today")


def test_two_packages_with_one_entry_point_name_are_both_seen(install: Install) -> None:
    dam = "from lisppump import hookimpl\nclass D:\n    def assign(self, frame, agents, n, seed): ...\n"
    install("alpha-tides", "tides", dam + "@hookimpl\ndef dams(): return {'ebb': D}\n")
    install("beta-tides", "tides", dam + "@hookimpl\ndef dams(): return {'ebb': D}\n")
    registry = Registry.load()
    assert registry.find("dam", "ebb").plugin == "alpha-tides:tides"
    assert registry.find("dam", "beta-tides/ebb").plugin == "beta-tides:tides"
    assert registry.clashes == [
        "dam `ebb` is offered by alpha-tides:tides and beta-tides:tides; "
        "the first keeps the name, the other is `beta-tides/ebb`"
    ]


def test_what_was_found_is_imported_when_something_of_it_is_wanted(install: Install) -> None:
    install("lisppump-tides", "tides", ONE_OF_EACH)
    registry = Registry.load()
    (plugin,) = registry.plugins
    assert (plugin.id, plugin.state) == ("lisppump-tides:tides", "found")
    assert "lisppump_tides" not in sys.modules
    assert registry.find("dam", "tides")
    (plugin,) = registry.plugins
    assert (plugin.state, "lisppump_tides" in sys.modules) == ("ready", True)
    assert [offer.kind for offer in plugin.offers] == [*KINDS]


def test_a_view_under_a_policy_imports_nothing_twice(install: Install) -> None:
    code = "import sys\nsys.tides = getattr(sys, 'tides', 0) + 1\n" + textwrap.dedent(ONE_OF_EACH)
    install("lisppump-tides", "tides", code)
    registry = Registry.load()
    try:
        assert registry.under((), ()) is registry
        view = registry.under(["tides"], ["other"])
        assert view is registry.under(["tides"], ["other"]) and view.plugins[0].state == "off"
        assert "tides" not in view.names("dam") and "tides" in registry.names("dam")
        assert "tides" in registry.under((), ["tides"]).names("dam")
        assert sys.tides == 1  # type: ignore[attr-defined]
    finally:
        vars(sys).pop("tides", None)


@pytest.mark.parametrize("word", ["tides", "lisppump-tides", "Lisppump_Tides", "lisppump-tides:tides"])
def test_a_plugin_answers_to_each_of_its_names(install: Install, word: str) -> None:
    install("lisppump-tides", "tides", ONE_OF_EACH)
    (plugin,) = Registry.load(without=[word]).ready().plugins
    assert (plugin.state, plugin.reason) == ("off", "by -p or LISPPUMP_PLUGINS")
    with pytest.raises(LisppumpError) as caught:
        Registry.load(without=[word]).find("dam", "tides")
    assert (caught.value.code, caught.value.exit_code) == ("plugin-off", 4)


def test_one_object_that_comes_in_twice_is_one_plugin(install: Install) -> None:
    install("lisppump-tides", "tides", ONE_OF_EACH)
    registry = Registry.load().ready()
    import lisppump_tides  # type: ignore[import-not-found]

    registry.register(lisppump_tides, "again")
    assert len(registry.plugins) == 1 and registry.clashes == []


def test_a_plugin_by_hand_stays_under_every_policy() -> None:
    registry = Registry()
    registry.register(SimpleNamespace(dams=hookimpl(lambda: {"x": Dam})), "mine")
    assert registry.under((), ["mine"]).find("dam", "x").plugin == "mine"
    assert registry.under(["mine"], ()).offers("dam", "x") == []


class Dam:
    """A dam."""

    def assign(self, frame: object, agents: object, n: int, seed: int) -> list[list[str]]:
        return []


class Mute(Dam):
    """A dam whose option nobody can describe."""

    options = (Option("size", "value", None),)  # type: ignore[arg-type]


class Double(Dam):
    """A dam with two options of one name."""

    options = (Option("size", "value", "One."), Option("size", "value", "Another."))


class Proxy:
    """Asks for a request before it has any attribute, as some libraries' do."""

    def __getattr__(self, word: str) -> object:
        raise RuntimeError("no request now")


class OfTheClass:
    """A dam that needs no object."""

    @classmethod
    def assign(cls, frame: object, agents: object, n: int, seed: int) -> list[list[str]]:
        return []


@lispy_builtin("tide", "(tide hour)", "The water.", example="(tide 1) ;=> 1", aliases=("ebb",))
def tide(run: object, hour: int) -> int:
    return hour


@lispy_builtin("take", "(take x)", "Another take.", example="(take 1) ;=> 1")
def take(run: object, x: int) -> int:
    return -x


@click.command()
def moon() -> None:
    """Print the moon."""


def test_builtins_and_commands_clash_visibly_and_stay_within_reach() -> None:
    def offering() -> SimpleNamespace:
        return SimpleNamespace(
            builtins=hookimpl(lambda: {"tide": tide, "take": take}),
            commands=hookimpl(lambda: {"moon": moon, "run": moon}),
        )

    registry = Registry(reserved=["run"])
    registry.register(offering(), "alpha")
    registry.register(offering(), "beta")
    ending = "; the first keeps the name, the other is "
    assert [clash.replace(ending, " -> ") for clash in registry.clashes] == [
        "builtin `take` is offered by lisppump and alpha -> `alpha/take`",
        "command `run` is offered by lisppump and alpha -> `alpha/run`",
        "builtin `tide` is offered by alpha and beta -> `beta/tide`",
        "builtin `ebb` is offered by alpha and beta -> `beta/ebb`",
        "builtin `take` is offered by lisppump and beta -> `beta/take`",
        "command `moon` is offered by alpha and beta -> `beta/moon`",
        "command `run` is offered by lisppump and beta -> `beta/run`",
    ]
    commands = registry.commands()
    assert commands["moon"].plugin.id == "alpha" and commands["beta/moon"].plugin.id == "beta"
    assert "run" not in commands and "alpha/run" in commands
    runtime = Runtime(builtins=registry.builtins())
    assert runtime.run("(list (take '(1 2) 1) (alpha/take 1) (tide 3) (ebb 4) (beta/tide 5))").text == (
        "((1) -1 3 4 5)"
    )


def test_a_stage_is_always_reached_by_its_full_name() -> None:
    registry = Registry()
    registry.register(SimpleNamespace(dams=hookimpl(lambda: {"round-robin": Dam})), "mine")
    assert registry.find("dam", "mine/round-robin").factory is Dam
    owners = [offer.plugin for offer in registry.offers("dam", "round-robin")]
    assert owners == ["mine", "lisppump:round-robin"]
    assert registry.clashes == [
        "dam `round-robin` is offered by mine and lisppump:round-robin; "
        "the first keeps the name, the other is `lisppump/round-robin`"
    ]


def test_a_package_can_be_switched_off(install: Install) -> None:
    install("lisppump-tides", "tides", ONE_OF_EACH)
    assert "tides" not in Registry.load(without=["lisppump-tides"]).names("dam")


def test_an_installed_stage_goes_before_a_built_in_one() -> None:
    class Mine:
        def assign(self, frame: object, agents: object, n: int, seed: int) -> list[list[str]]:
            return []

    registry = Registry()
    registry.register(SimpleNamespace(dams=hookimpl(lambda: {"round-robin": Mine})), "mine")
    assert registry.find("dam", "round-robin").factory is Mine
    assert registry.find("dam", "lisppump/round-robin").plugin == "lisppump:round-robin"


def test_built_in_stages_are_imported_only_when_named() -> None:
    for name in [name for name in sys.modules if name.startswith("lisppump.plugins.")]:
        del sys.modules[name]
    registry = Registry.load()
    assert "none" in registry.names("backend")
    assert not [name for name in sys.modules if name.startswith("lisppump.plugins.")]
    registry.find("backend", "none")
    assert [name for name in sys.modules if name.startswith("lisppump.plugins.")] == [
        "lisppump.plugins.backend_none"
    ]


def test_every_built_in_stage_can_be_found() -> None:
    registry = Registry.load()
    for kind in KINDS:
        for name in registry.names(kind):
            offer = registry.find(kind, name)
            assert offer.factory.__doc__, f"{kind} {name} has no docstring"


def refused(plugin: object) -> LisppumpError:
    with pytest.raises(LisppumpError) as caught:
        Registry().register(plugin, "mine")
    return caught.value


def test_a_misspelt_hook_is_an_error_with_a_suggestion() -> None:
    error = refused(SimpleNamespace(frame_comitted=hookimpl(lambda frame: None)))
    assert (error.code, error.help) == ("bad-hook", "did you mean `frame_committed`?")


def test_an_async_hook_is_refused() -> None:
    async def frame_committed(frame: object) -> None: ...

    assert refused(SimpleNamespace(frame_committed=hookimpl(frame_committed))).code == "bad-hook"


def test_a_stage_without_its_method_or_with_other_arguments_is_refused() -> None:
    class Without: ...

    class Other:
        def assign(self, agents: object) -> None: ...

    assert (
        "lacks the method assign(frame, agents, n, seed)"
        in refused(SimpleNamespace(dams=hookimpl(lambda: {"x": Without}))).message
    )
    assert (
        "has assign(agents), it should be assign(frame, agents, n, seed)"
        in refused(SimpleNamespace(dams=hookimpl(lambda: {"x": Other}))).message
    )


def test_an_unknown_stage_names_the_one_that_was_meant() -> None:
    with pytest.raises(LisppumpError) as caught:
        Registry.load().find("dam", "afinity")
    assert (caught.value.code, caught.value.help) == ("unknown-stage", "did you mean `affinity`?")


def test_what_is_refused_is_placed_in_the_plugin(install: Install) -> None:
    code = "from lisppump import hookimpl\n@hookimpl\ndef frame_comitted(frame): ...\n"
    install("lisppump-typo", "typo", code)
    (broken,) = Registry.load().broken
    assert broken.place is not None and broken.place.endswith("lisppump_typo.py:2")


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.exit('goodbye')\n",
        "raise BaseException('worse')\n",
        "def f(): f()\nf()\n",
        "x = (\n",
        "from lisppump_nowhere import x\n",
        "\x00",
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n",
        "import lisppump_bad as m\nm.__class__ = 5\n",
    ],
)
def test_however_a_plugin_breaks_it_is_one_line(install: Install, code: str) -> None:
    install("lisppump-bad", "bad", code)
    (broken,) = Registry.load().broken
    assert broken.line().startswith("plugin lisppump-bad 1.2 is broken at ") and "\n" not in broken.line()


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (SimpleNamespace(), "plugin mine implements no hook"),
        (Dam, "plugin mine is the class Dam; a module or an object is wanted"),
        (SimpleNamespace(dams=hookimpl(lambda: [Dam])), "should return a dict of name -> class, got a list"),
        (SimpleNamespace(dams=hookimpl(lambda: {"a b": Dam})), "offers the name `a b`"),
        (SimpleNamespace(dams=hookimpl(lambda: {"a/b": Dam})), "offers the name `a/b`"),
        (SimpleNamespace(dams=hookimpl(lambda: {"x": Dam()})), "dam `x` of plugin mine should be a class"),
        (SimpleNamespace(builtins=hookimpl(lambda: {"x": len})), "offers `x`, which is a builtin_function"),
        (SimpleNamespace(builtins=hookimpl(lambda: {"x": tide})), "offers `x` for the builtin `tide`"),
        (SimpleNamespace(commands=hookimpl(lambda: {"x": len})), "offers `x`, which is a builtin_function"),
        (SimpleNamespace(commands=hookimpl(lambda: {"X y": moon})), "offers the name `X y`"),
        (SimpleNamespace(commands=hookimpl(lambda: {"x": click.Command("x")})), "offers `x` without help"),
        (SimpleNamespace(frame_started=hookimpl(lambda nmber: None)), "with the argument `nmber`, which it"),
        (SimpleNamespace(frame_started=hookimpl(lambda *all: None)), "with *all; arguments are given by"),
        (SimpleNamespace(dams=hookimpl(wrapper=True)(lambda: {})), "wraps `dams`; only verbs can be wrapped"),
        (SimpleNamespace(select=hookimpl(wrapper=True)(lambda: {})), "wraps `select` without a yield"),
        (SimpleNamespace(select=hookimpl(hookwrapper=True)(lambda: {})), "wraps `select` in the old way"),
        (SimpleNamespace(lisppump_api=2, dams=hookimpl(lambda: {})), "is made for version 2 of the hooks"),
        (SimpleNamespace(dams=hookimpl(lambda: {"x": Mute})), "has the option `size` without a doc"),
        (SimpleNamespace(dams=hookimpl(lambda: {"x": Double})), "has two options `size`"),
    ],
)
def test_what_a_plugin_must_be(plugin: object, said: str) -> None:
    assert said in refused(plugin).message
    with pytest.raises(LisppumpError):  # and nothing of it stays
        registry = Registry()
        with pytest.raises(LisppumpError):
            registry.register(plugin, "mine")
        assert registry.plugins == ()
        registry.find("dam", "x")


def test_what_else_a_plugin_holds_is_its_own_affair() -> None:
    plugin = SimpleNamespace(dams=hookimpl(lambda: {"x": OfTheClass}), request=Proxy(), call=call)
    registry = Registry()
    registry.register(plugin, "mine")
    assert registry.find("dam", "x").factory is OfTheClass


# -- what a distribution may look like

DAMS = """
    from lisppump import hookimpl
    from .seats import Dam
    @hookimpl
    def dams(): return {"ebb": Dam}
"""
SEATS = "class Dam:\n    def assign(self, frame, agents, n, seed): return []\n"
ACME = "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n"


def lay(site: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str | bytes]) -> Registry:
    """Files as an installer could have left them on the path, and what is found then."""
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    monkeypatch.syspath_prepend(str(site))
    for word in [word for word in sys.modules if word.partition(".")[0] in ("acme", "seas")]:
        monkeypatch.delitem(sys.modules, word)
    return Registry.load()


def test_a_package_in_a_namespace_has_the_digest_of_its_own_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = []
    for number, seats in enumerate((SEATS, SEATS, f"{SEATS}# more\n")):
        files: dict[str, str | bytes] = {
            "acme/tides/__init__.py": "", "acme/tides/plugin.py": DAMS, "acme/tides/seats.py": seats,
            "acme-1.0.dist-info/METADATA": ACME,
            "acme-1.0.dist-info/entry_points.txt": "[lisppump]\nt = acme.tides.plugin\n",
        }  # fmt: skip
        registry = lay(tmp_path / str(number), monkeypatch, files)
        digests.append(registry.find("dam", "ebb").digest)
    assert digests[0] is not None and digests[0] == digests[1] != digests[2]


def test_a_package_in_an_archive_has_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ZipFile(tmp_path / "acme.egg", "w") as egg:
        egg.writestr("acme/__init__.py", textwrap.dedent(DAMS))
        egg.writestr("acme/seats.py", SEATS)
        egg.writestr("EGG-INFO/PKG-INFO", ACME)
        egg.writestr("EGG-INFO/entry_points.txt", "[lisppump]\nt = acme\n")
    registry = lay(tmp_path / "acme.egg", monkeypatch, {})
    assert registry.find("dam", "ebb").digest is None


def test_metadata_that_are_no_text_are_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latin = f"{ACME}Author: J\u00f6rg\n".encode("latin-1")
    files: dict[str, str | bytes] = {
        "other-2.dist-info/METADATA": latin, "acme-1.0.dist-info/METADATA": latin, "seas.py": ONE_OF_EACH,
        "acme-1.0.dist-info/entry_points.txt": "[lisppump]\nt = seas\n",
    }  # fmt: skip
    (plugin,) = lay(tmp_path / "site", monkeypatch, files).ready().plugins
    assert (plugin.id, plugin.version, plugin.state) == ("acme:t", "1.0", "ready")


def test_what_lies_behind_a_newer_distribution_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old: dict[str, str | bytes] = {
        "acme-1.0.dist-info/METADATA": ACME, "seas.py": ONE_OF_EACH,
        "acme-1.0.dist-info/entry_points.txt": "[lisppump]\nt = seas\n",
    }  # fmt: skip
    assert len(lay(tmp_path / "old", monkeypatch, old).plugins) == 1
    new: dict[str, str | bytes] = {"acme-2.0.dist-info/METADATA": ACME.replace("1.0", "2.0")}
    assert lay(tmp_path / "new", monkeypatch, new).plugins == ()


def test_two_stages_of_one_name_in_one_distribution_are_both_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = "[lisppump]\nhigh = acme.high\nlow = acme.low\nlow = acme.low\n"
    files: dict[str, str | bytes] = {
        "acme/__init__.py": "", "acme/seats.py": SEATS, "acme/high.py": DAMS, "acme/low.py": DAMS,
        "acme-1.0.dist-info/METADATA": ACME, "acme-1.0.dist-info/entry_points.txt": entries,
    }  # fmt: skip
    registry = lay(tmp_path / "site", monkeypatch, files).ready()
    assert [plugin.id for plugin in registry.plugins] == ["acme:high", "acme:low"]
    assert registry.find("dam", "acme/ebb").plugin == "acme:high"
    assert registry.find("dam", "acme:low/ebb").plugin == "acme:low"
    assert registry.clashes == [
        "dam `ebb` is offered by acme:high and acme:low; the first keeps the name, "
        "the other is `acme:low/ebb`"
    ]
    assert {"ebb", "acme:low/ebb"} <= {*registry.names("dam")}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("seas:", "it should be `module` or `module:object`"),
        ("seas:nope", "AttributeError: module 'seas' has no attribute 'nope'"),
        ("nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_an_entry_point_that_names_nothing_is_where_the_fault_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    files: dict[str, str | bytes] = {
        "seas.py": ONE_OF_EACH, "acme-1.0.dist-info/METADATA": ACME,
        "acme-1.0.dist-info/entry_points.txt": f"[lisppump]\nt = {value}\n",
    }  # fmt: skip
    (broken,) = lay(tmp_path / "site", monkeypatch, files).broken
    assert broken.line() == f"plugin acme 1.0 is broken at entry_points.txt of acme: t = {value}: {said}"


def test_an_interrupted_import_is_named(install: Install) -> None:
    install("lisppump-slow", "slow", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt) as caught:
        Registry.load().ready()
    note = "while plugin lisppump-slow:slow was loaded; -p no:lisppump-slow leaves it out"
    assert caught.value.__notes__ == [note]


def test_the_depth_of_calls_is_not_a_plugins_to_set(install: Install) -> None:
    before = sys.getrecursionlimit()
    install("lisppump-deep", "deep", "import sys\nsys.setrecursionlimit(9999)\n")
    assert Registry.load().broken and sys.getrecursionlimit() == before
