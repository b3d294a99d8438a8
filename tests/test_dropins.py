"""The Python of a simulation folder: what is found and digested, and that nothing but that ever runs."""

from __future__ import annotations

import inspect
import linecache
import os
import py_compile
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from lisppump import dropins
from lisppump.errors import LisppumpError, place_of
from tests.cli_support import ROOT
from tests.dropins_support import look, modules, world

pytestmark = pytest.mark.usefixtures("no_dropin_stays")

DIGEST = "sha256:bab736b1228eb3ae836e1f4e4d5c12ab69c99345c5a768260346f253475e77b6"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return world(tmp_path / "world")


def refused(root: Path) -> LisppumpError:
    with pytest.raises(LisppumpError) as caught:
        dropins.look(root)
    error = caught.value
    assert (error.code, error.exit_code) == ("bad-dropin", 4) and error.help
    return error


# -- looking


def test_what_is_found(root: Path) -> None:
    found = look(root)
    assert found.root == root and found.names == ("tides",)
    assert sorted(found.files) == ["_shared.py", "tides.py", "tools/moon.py"]
    assert found.files["_shared.py"] == b"HIGH = 3\n"
    assert found.path("tides") == root / "plugins" / "tides.py"
    assert found.twins == {}
    assert modules() == set()


@pytest.mark.parametrize("name", [".gitignore", "_x.py", "a/x.py", ".x.py", "__init__.py", "x.pyc", "x.so"])
def test_where_no_plugin_is_there_is_nothing(tmp_path: Path, name: str) -> None:
    assert dropins.look(tmp_path) is None
    (tmp_path / "plugins").mkdir()
    assert dropins.look(tmp_path) is None
    (tmp_path / "plugins" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "plugins" / name).write_text("")
    assert dropins.look(tmp_path) is None


def test_the_built_in_stages_are_nobodys_dropins(tmp_path: Path) -> None:
    assert (ROOT / "plugins" / "dam_by.py").is_file()
    assert dropins.look(ROOT) is None
    (tmp_path / "link").symlink_to(ROOT)
    assert dropins.look(tmp_path / "link") is None
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "plugins").symlink_to(ROOT / "plugins")
    assert dropins.look(tmp_path / "world") is None


def test_looking_imports_no_stage() -> None:
    code = (
        "import sys; from pathlib import Path; from lisppump import dropins\n"
        "dropins.look(Path(sys.argv[1]))\n"
        "print([name for name in sys.modules if name.startswith('lisppump.plugins.')])"
    )
    line = [sys.executable, "-c", code, str(ROOT)]
    assert subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT).stdout == "[]\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda plugins: (plugins / "tides.py").write_text("pass\n"),
        lambda plugins: (plugins / "_shared.py").write_text("HIGH = 4\n"),
        lambda plugins: (plugins / "tools" / "moon.py").write_text("PHASE = 'old'\n"),
        lambda plugins: (plugins / "tools" / "moon.py").unlink(),
        lambda plugins: (plugins / "tides.py").rename(plugins / "ebb.py"),
        lambda plugins: (plugins / "new.py").write_text(""),
        lambda plugins: (plugins / "_new.py").write_text(""),
        lambda plugins: (plugins / "tools" / "__init__.py").write_text(""),
        lambda plugins: shutil.copytree(plugins / "tools", plugins / "tools" / "more"),
    ],
)
def test_every_change_of_what_could_run_changes_the_digest(root: Path, change: object) -> None:
    before = look(root).digest
    change(root / "plugins")  # type: ignore[operator]
    assert look(root).digest != before


def test_bytes_that_move_from_one_file_to_the_next_change_the_digest(tmp_path: Path) -> None:
    one = world(tmp_path / "1", a="x = 1\n", b="y = 2\n")
    two = world(tmp_path / "2", a="x = 1\ny = 2\n", b="")
    assert look(one).digest != look(two).digest


def test_what_cannot_run_does_not_change_it(root: Path) -> None:
    """Notes, compiled files, what editors and git keep there: a lock of Emacs is a link to nothing."""
    before = look(root)
    plugins = root / "plugins"
    (plugins / "notes.txt").write_text("changed")
    (plugins / ".#tides.py").symlink_to("me@here.4711:1")
    (plugins / ".hidden.py").write_text("boom")
    (plugins / ".git").mkdir()
    (plugins / ".git" / "x.py").write_text("boom")
    (plugins / "__pycache__").mkdir()
    (plugins / "__pycache__" / "x.py").write_text("boom")
    assert look(root) == before


def test_the_digest_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    assert look(world(tmp_path / "a")).digest == look(world(tmp_path / "b")).digest
    assert look(world(tmp_path / "a")).digest == DIGEST


def test_a_link_to_a_file_is_what_it_leads_to(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("X = 1\n")
    (root / "plugins" / "linked.py").symlink_to(tmp_path / "elsewhere.py")
    before = look(root)
    assert before.names == ("linked", "tides") and before.files["linked.py"] == b"X = 1\n"
    (tmp_path / "elsewhere.py").write_text("X = 2\n")
    assert look(root).digest != before.digest


def test_plugins_may_be_a_link_to_a_folder(root: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "plugins").symlink_to(root / "plugins")
    found = look(tmp_path / "other")
    assert found.digest == look(root).digest
    assert found.root == tmp_path / "other"
    assert dropins.load(found, "tides").HIGH == 3


def test_links_to_folders_are_not_followed(root: Path) -> None:
    before = look(root)
    (root / "plugins" / "all").symlink_to("/")
    (root / "plugins" / "loop").symlink_to(root / "plugins")
    assert look(root) == before


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: place.symlink_to("nowhere"), "cannot be read: it is a link to nothing"),
        (lambda place: place.symlink_to(place.name), "cannot be read: too many levels of symbolic links"),
        (lambda place: os.mkfifo(place), "is no regular file"),
        (lambda place: place.symlink_to("/dev/zero"), "is no regular file"),
        (lambda place: place.symlink_to("/"), "is no regular file"),
    ],
)
def test_what_is_no_file_is_refused_and_not_waited_for(root: Path, make: object, words: str) -> None:
    for name in ("odd.py", "_odd.py", "tools/odd.py"):
        place = root / "plugins" / name
        make(place)  # type: ignore[operator]
        assert refused(root).message.startswith(f"{place} {words}")
        place.unlink()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: place.write_text("x"), "cannot be read: not a directory"),
        (lambda place: place.symlink_to("nowhere"), "cannot be read: it is a link to nothing"),
        (lambda place: place.symlink_to("plugins"), "cannot be read: too many levels of symbolic links"),
        (lambda place: os.mkfifo(place), "cannot be read: not a directory"),
    ],
)
def test_plugins_that_is_no_folder_is_refused(tmp_path: Path, make: object, words: str) -> None:
    make(tmp_path / "plugins")  # type: ignore[operator]
    assert refused(tmp_path).message == f"{tmp_path / 'plugins'} {words}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(root: Path) -> None:
    (root / "plugins" / "_shared.py").chmod(0)
    assert refused(root).message.endswith("_shared.py cannot be read: permission denied")
    (root / "plugins" / "tools").chmod(0)
    try:
        assert refused(root).message.endswith("tools cannot be read: permission denied")
    finally:
        (root / "plugins" / "tools").chmod(0o700)


def test_more_than_ten_megabytes_are_refused(root: Path) -> None:
    room = dropins.MOST_BYTES - sum(len(data) for data in look(root).files.values())
    (root / "plugins" / "tools" / "big.py").write_bytes(b"#" * room)
    assert len(look(root).files["tools/big.py"]) == room
    (root / "plugins" / "tools" / "big.py").write_bytes(b"#" * (room + 1))
    assert f"{root / 'plugins'} holds more than 10 MB of Python, with tools/" in refused(root).message


def test_a_deep_folder_is_no_trouble(root: Path) -> None:
    folders = [str(root / "plugins") + "/d" * depth for depth in range(1, 1500)]
    for folder in folders:
        os.mkdir(folder)
    Path(folders[-1], "x.py").write_text("")
    try:
        assert len(look(root).files) == 4
    finally:
        Path(folders[-1], "x.py").unlink()
        for folder in reversed(folders):  # no library removes so deep a tree
            os.rmdir(folder)


def test_names_that_are_no_unicode(root: Path) -> None:
    name = os.fsdecode(b"\xff")
    (root / "plugins" / f"{name}.py").write_text("")
    found = look(root)
    assert found.names == ("tides", name)
    with pytest.raises(LisppumpError) as caught:
        dropins.load(found, name)
    assert r"plugins/\udcff.py cannot be loaded" in caught.value.message
    (root / "plugins" / f"{name}.py").unlink()
    (root / "plugins" / f"{name}.py").symlink_to("nowhere")
    refused(root).message.encode()


# -- loading


def test_it_runs_what_was_looked_at_whatever_lies_there_now(root: Path) -> None:
    found = look(root)
    for file in ("tides.py", "_shared.py"):
        (root / "plugins" / file).write_text("raise SystemExit('changed after it was looked at')\n")
    module = dropins.load(found, "tides")
    assert (module.NAME, module.HIGH) == ("tides", 3)


def test_a_module_is_loaded_once(root: Path) -> None:
    (root / "plugins" / "tides.py").write_text("import sys\nsys.stderr.write('loaded')\n")
    first = dropins.load(look(root), "tides")
    assert dropins.load(look(root), "tides") is first
    (root / "plugins" / "_shared.py").write_text("HIGH = 5\n")
    changed = dropins.load(look(root), "tides")
    assert changed is not first  # another content, which has to be trusted anew


def test_relative_imports(tmp_path: Path) -> None:
    root = world(
        tmp_path,
        ebb="""
            from . import _shared, tides
            from ._shared import HIGH
            from .tides import NAME
            from .tools.moon import PHASE
            from .tools import moon
            from .kit import KIND, deep
            from .kit.deep import up
            import lisppump.frame
        """,
    )
    (root / "plugins" / "kit" / "deep").mkdir(parents=True)
    (root / "plugins" / "kit" / "__init__.py").write_text("KIND = 'kit'\n")
    deep = root / "plugins" / "kit" / "deep"
    (deep / "__init__.py").write_text("from ... import _shared\nfrom .. import KIND\n")
    (deep / "up.py").write_text("from ..._shared import HIGH\n")
    found = look(root)
    ebb, tides = dropins.load(found, "ebb"), dropins.load(found, "tides")
    assert (ebb.HIGH, ebb.NAME, ebb.PHASE, ebb.KIND) == (3, "tides", "new", "kit")
    assert ebb.tides is tides and ebb._shared.__name__ == f"{tides.__package__}._shared"
    assert ebb.deep._shared is ebb._shared and ebb.up.HIGH == 3
    assert not list(root.rglob("*.pyc"))


def test_an_init_file_is_the_package_and_a_file_goes_before_a_folder(tmp_path: Path) -> None:
    root = world(tmp_path, ebb="from . import KIND\n")
    (root / "plugins" / "__init__.py").write_text("KIND = 'mine'\n")
    (root / "plugins" / "tides").mkdir()
    (root / "plugins" / "tides" / "__init__.py").write_text("NAME = 'folder'\n")
    found = look(root)
    assert found.names == ("ebb", "tides")
    assert dropins.load(found, "ebb").KIND == "mine"
    assert dropins.load(found, "tides").NAME == "tides"


def test_only_what_was_read_can_be_imported(root: Path, tmp_path: Path) -> None:
    """Not files that came later, not what lies behind a link, and no other finder is asked for more."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "lib.py").write_text("raise SystemExit('ran')\n")
    (root / "plugins" / "linked").symlink_to(tmp_path / "outside")
    (root / "plugins" / "tools" / "__init__.py").write_text("")
    found = look(root)
    (root / "plugins" / "later.py").write_text("raise SystemExit('ran')\n")
    (root / "plugins" / "tools" / "later.py").write_text("raise SystemExit('ran')\n")
    package = dropins.load(found, "tides").__package__
    for name in ("later", "tools.later", "linked.lib", "linked"):
        with pytest.raises(ModuleNotFoundError):
            __import__(f"{package}.{name}")


def test_compiled_files_are_neither_read_nor_written(root: Path) -> None:
    hostile = root / "hostile.py"
    hostile.write_text("raise SystemExit('the compiled file ran')\n")
    status = (root / "plugins" / "tides.py").stat()
    os.utime(hostile, ns=(status.st_atime_ns, status.st_mtime_ns))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    tag = sys.implementation.cache_tag
    cached = [root / "plugins" / "__pycache__" / f"{name}.{tag}.pyc" for name in ("tides", "_shared", "evil")]
    for place in (*cached, root / "plugins" / "evil.pyc", root / "plugins" / "_shared.pyc"):
        py_compile.compile(str(hostile), str(place), invalidation_mode=unchecked, doraise=True)
    before = {path: path.read_bytes() for path in root.rglob("*.pyc")}
    found = look(root)
    assert found.names == ("tides",)
    assert dropins.load(found, "tides").HIGH == 3
    with pytest.raises(ModuleNotFoundError):
        dropins.load(found, "evil")
    assert {path: path.read_bytes() for path in root.rglob("*.pyc")} == before


def test_two_worlds_with_a_plugin_of_one_name(tmp_path: Path) -> None:
    one, two = look(world(tmp_path / "1")), look(world(tmp_path / "2", _shared="HIGH = 7\n"))
    same = look(world(tmp_path / "3"))
    modules = [dropins.load(found, "tides") for found in (one, two, same)]
    assert [module.HIGH for module in modules] == [3, 7, 3]
    assert len({module.__name__ for module in modules}) == 3
    assert [module.__file__ for module in modules] == [str(f.path("tides")) for f in (one, two, same)]


def test_its_source_is_found(tmp_path: Path) -> None:
    root = world(
        tmp_path,
        ebb='''
            """An ebb."""
            from dataclasses import dataclass

            @dataclass
            class Low:
                """Water."""

                depth: "int" = 1

            def fall():
                raise RuntimeError("aground")
        ''',
    )
    module = dropins.load(look(root), "ebb")
    assert module.__doc__ == "An ebb."
    assert inspect.getfile(module.Low) == inspect.getsourcefile(module) == str(root / "plugins" / "ebb.py")
    assert inspect.getsource(module.Low).startswith("@dataclass\nclass Low:\n")
    with pytest.raises(RuntimeError) as caught:
        module.fall()
    shown = "".join(traceback.format_exception(caught.value))
    assert f'File "{root / "plugins" / "ebb.py"}", line 12, in fall' in shown
    assert 'raise RuntimeError("aground")' in shown
    (root / "plugins" / "ebb.py").unlink()
    linecache.clearcache()
    assert inspect.getsource(module).lstrip().startswith('"""An ebb."""')


@pytest.mark.parametrize("name", ["my-dam", "tides.v2", "2x", "a b", "ünï-x"])
def test_a_name_that_python_cannot_import_is_refused_when_it_is_loaded(tmp_path: Path, name: str) -> None:
    found = look(world(tmp_path, **{name: "raise SystemExit('ran')\n"}))
    assert name in found.names
    with pytest.raises(LisppumpError) as caught:
        dropins.load(found, name)
    assert caught.value.code == "bad-dropin"
    assert f"plugins/{name}.py cannot be loaded" in caught.value.message
    assert caught.value.help == "rename it with letters, digits and _, as in my_dam.py"
    assert dropins.load(found, "tides").HIGH == 3


@pytest.mark.parametrize(
    ("text", "kind", "line", "words"),
    [
        (b"x = 1\ny = (\n", SyntaxError, 2, "was never closed"),
        (b"x = 1\n\x00", SyntaxError, 1, "null bytes"),
        (b"x = 1\ny = '\xff'\n", SyntaxError, 2, "utf-8"),
        (b"# coding: nonsense\n", SyntaxError, 0, "nonsense"),
        (b"x = " + b"-" * 200_000 + b"1", SyntaxError, 1, "too deeply nested"),
        (b"x = 1\nimport sys\nsys.exit(3)\n", SystemExit, 3, "3"),
        (b"x = 1\nraise KeyError('moon')\n", KeyError, 2, "moon"),
        (b"x = 1\n\nimport nowhere_to_be_found\n", ModuleNotFoundError, 3, "named 'nowhere_to_be_found'"),
        (b"from . import _gone\n", ImportError, 1, "cannot import name '_gone'"),
        (b"from ._gone import x\n", ModuleNotFoundError, 1, "_gone'; of plugins/ only .py files can be"),
        (b"import _shared\n", ModuleNotFoundError, 1, "; write `from . import _shared` for the one"),
        (b"import tides\n", ModuleNotFoundError, 1, "; write `from . import tides` for the one in plugins/"),
        (b"from kit.x import y\n", ModuleNotFoundError, 1, "; write `from . import kit` for the one in"),
    ],
)
def test_what_goes_wrong_is_placed_in_it_and_leaves_nothing_half_made(
    root: Path, text: bytes, kind: type[BaseException], line: int, words: str
) -> None:
    (root / "plugins" / "kit").mkdir()
    (root / "plugins" / "kit" / "__init__.py").write_text("")
    (root / "plugins" / "broken.py").write_bytes(text)
    found = look(root)
    for _ in range(2):
        with pytest.raises(kind) as caught:
            dropins.load(found, "broken")
        assert words in str(caught.value)
        assert place_of(caught.value) == f"{root / 'plugins' / 'broken.py'}:{line}"
        assert not any(name.endswith(".broken") for name in modules())
    assert dropins.load(found, "tides").HIGH == 3
    assert not hasattr(sys.modules[dropins.load(found, "tides").__package__ or ""], "broken")


def test_a_helper_that_is_broken_is_where_the_fault_is(root: Path) -> None:
    (root / "plugins" / "_shared.py").write_text("HIGH = 3\nHIGH / 0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        dropins.load(look(root), "tides")
    assert place_of(caught.value) == f"{root / 'plugins' / '_shared.py'}:2"
    assert len(modules()) == 1  # the package alone


def test_a_package_that_is_broken_is_left_out_again(root: Path) -> None:
    (root / "plugins" / "__init__.py").write_text("boom\n")
    with pytest.raises(NameError) as caught:
        dropins.load(look(root), "tides")
    assert place_of(caught.value) == f"{root / 'plugins' / '__init__.py'}:1"
    assert modules() == set()
