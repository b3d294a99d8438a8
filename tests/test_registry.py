"""Discovery, checks and names of plugins; installed ones are real distributions on the path."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lisppump import hookimpl
from lisppump.errors import LisppumpError
from lisppump.registry import Registry
from lisppump.stages import KINDS

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with one module and one entry point on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, entry: str, code: str) -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[lisppump]\n{entry} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


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
    assert broken.place.endswith("lisppump_typo.py")
