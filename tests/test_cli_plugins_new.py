"""`lisppump plugins new`: what it writes works, passes its own tests, and nothing is ever overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lisppump import __version__
from lisppump.cli.plugins_new import SKELETONS, check_name, skeleton, write
from lisppump.errors import LisppumpError
from tests.cli_support import ROOT, Lisppump, golden
from tests.fresh_venv import built

TEMPLATES = ROOT / "lisppump" / "cli" / "skeleton"
EVERY = (*SKELETONS,)
STRICT = ["--isolated", "--line-length", "110", "--target-version", "py311",
          "--select", "E,F,I,B,UP,C90,SIM,RUF,BLE"]  # fmt: skip


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def run(folder: Path, *words: str) -> str:
    """What a program says that succeeds in a folder; Python's own litter stays out of it."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def test_it_writes_a_distribution_with_a_dam(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = lisppump("plugins", "new", "tides")
    assert outcome.code == 0
    folder = tmp_path / "lisppump-tides"
    golden("plugins-new.txt", (outcome.out + outcome.err).replace(str(tmp_path), "HERE"))
    files = [".gitignore", "README.md", "lisppump_tides.py", "pyproject.toml", "tests/test_tides.py"]
    assert below(tmp_path) == [f"lisppump-tides/{file}" for file in files]
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()
    golden("plugins-new-tides.py.txt", (folder / "lisppump_tides.py").read_text())
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "lisppump-tides"
    assert project["project"]["entry-points"] == {"lisppump": {"tides": "lisppump_tides"}}
    assert Requirement(project["project"]["dependencies"][0]).specifier.contains(__version__)
    assert project["project"]["optional-dependencies"]["test"] == ["pytest>=8"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.fixture(scope="module", params=["dam", "every"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module, and a package of every kind, called by a name of two words."""
    folder = tmp_path_factory.mktemp("written")
    words = [] if request.param == "dam" else [word for kind in EVERY for word in ("--kind", kind)]
    run(folder, "-m", "lisppump", "plugins", "new", "spring-tide", *words)
    return folder / "lisppump-spring-tide"


def test_what_it_writes_passes_its_own_tests(written: Path) -> None:
    said = run(written, "-m", "pytest", "-p", "no:cacheprovider")
    assert " passed" in said and "failed" not in said and "warning" not in said


def test_what_it_writes_is_clean_for_mypy(written: Path) -> None:
    modules = sorted(path.name for path in written.glob("lisppump_*"))
    strict = ["--strict", "--follow-imports=silent", "--cache-dir", str(written.parent / "mypy")]
    run(written, "-m", "mypy", *strict, *modules, "tests")


def test_what_it_writes_becomes_a_wheel_that_holds_its_modules(written: Path, tmp_path: Path) -> None:
    import zipfile

    names = zipfile.ZipFile(built(written, tmp_path)).namelist()
    modules = [name for name in below(written) if name.endswith(".py") and not name.startswith("tests")]
    assert sorted(name for name in names if ".dist-info/" not in name) == modules


@pytest.mark.parametrize("kinds", [*((kind,) for kind in EVERY), EVERY], ids=str)
@pytest.mark.parametrize("name", ["x", "spring-tide", "t" * 60])
def test_what_it_writes_is_clean(tmp_path: Path, name: str, kinds: tuple[str, ...]) -> None:
    files = skeleton(name, kinds)
    write(tmp_path / "it", files)
    run(tmp_path / "it", "-m", "ruff", "check", "--no-cache", ".")
    if len(name) < 20:
        run(tmp_path / "it", "-m", "ruff", "check", "--no-cache", *STRICT, ".")
    for text in files.values():
        assert not any(mark in text for mark in ("no-name", "no_name", "NoName", "@SUMMARY", "@USE"))
        assert text.endswith("\n") and not text.endswith("\n\n")


def test_the_project_s_wheel_holds_the_templates() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (pattern,) = project["tool"]["setuptools"]["package-data"]["lisppump.cli"]
    assert {str(path.name) for path in (ROOT / "lisppump" / "cli").glob(pattern)} == set(
        os.listdir(TEMPLATES)
    )


def test_the_templates_are_the_plugin_no_name() -> None:
    for kind in EVERY:
        files = skeleton("no-name", (kind,))
        assert files["lisppump_no_name.py"] == (TEMPLATES / f"{kind}.py.in").read_text()
        assert files["tests/test_no_name.py"] == (TEMPLATES / f"{kind}_test.py.in").read_text()


def test_every_kind_has_a_skeleton_and_each_option_is_shown() -> None:
    from lisppump.stages import KINDS

    assert set(EVERY) == {*KINDS, "builtin", "command", "hook"}
    for kind in KINDS:
        text = skeleton("tides", (kind,))
        if "options = " in text["lisppump_tides.py"]:
            assert "(tides (" in text["README.md"] and "(tides (" in text["tests/test_tides.py"]


def test_several_kinds_make_a_package(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("-C", tmp_path, "plugins", "new", "tides", "--kind", "dam", "--kind", "echo", "--json")
    files = [".gitignore", "README.md", "lisppump_tides/__init__.py", "lisppump_tides/dam.py",
             "lisppump_tides/echo.py", "pyproject.toml", "tests/test_tides_dam.py",
             "tests/test_tides_echo.py"]  # fmt: skip
    assert outcome.json == {
        "schema": "lisppump/plugins-new@1", "dry_run": False, "folder": f"{tmp_path}/lisppump-tides",
        "kinds": ["dam", "echo"], "files": files,
    }  # fmt: skip
    assert below(tmp_path / "lisppump-tides") == files
    project = tomllib.loads((tmp_path / "lisppump-tides" / "pyproject.toml").read_text())
    entries = {"tides-dam": "lisppump_tides.dam", "tides-echo": "lisppump_tides.echo"}
    assert project["project"]["entry-points"]["lisppump"] == entries


def test_a_dry_run_writes_nothing_and_refuses_the_same(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("plugins", "new", "tides", "--dir", tmp_path, "--dry-run")
    assert outcome.code == 0 and outcome.out.startswith(f"{tmp_path}/lisppump-tides would be written:\n")
    assert os.listdir(tmp_path) == []
    (tmp_path / "lisppump-tides").write_text("")
    assert lisppump("plugins", "new", "tides", "--dir", tmp_path, "--dry-run").code == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my tides", "small letters, digits and single hyphens, a letter first; `my-tides` would do"),
        ("../x", "`x` would do"),
        ("a/b", "`a-b` would do"),
        ("Tides", "`tides` would do"),
        ("tides_x", "`tides-x` would do"),
        ("tides-", "`tides` would do"),
        ("a--b", "`a-b` would do"),
        ("1st", "`st` would do"),
        ("", "`tides` would do"),
        ("...", "`tides` would do"),
        ("tídes", "`t-des` would do"),
        ("tides\n", "`tides` would do"),
        ("lisppump-tides", "lisppump- is put before it anyway; say `tides`"),
        ("lisppump", "say `tides`"),
        ("class", "it is a word of Python; `my-class` would do"),
        ("match", "it is a word of Python"),
        ("t" * 61, "it has 61 letters; at most 60 are taken"),
        ("affinity", "lisppump has a dam of that name; `my-affinity` would do"),
    ],
)
def test_a_name_that_nobody_would_take_is_refused(
    lisppump: Lisppump, tmp_path: Path, name: str, words: str
) -> None:
    outcome = lisppump("plugins", "new", "--dir", tmp_path, "--", name)
    assert outcome.code == 2
    assert outcome.err.startswith("error[bad-usage]: a plugin cannot be called `")
    assert words in outcome.err.replace("\n  help: ", "; ")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "kind"), [("take", "builtin"), ("define", "builtin"), ("run", "command"), ("replay", "backend")]
)
def test_a_name_that_lisppump_has_is_refused_for_that_kind(name: str, kind: str) -> None:
    with pytest.raises(LisppumpError, match=f"lisppump has a {kind} of that name"):
        check_name(name, (kind,))
    check_name(name, ("merger",))


def test_it_never_overwrites(lisppump: Lisppump, tmp_path: Path) -> None:
    target = tmp_path / "lisppump-tides"
    target.mkdir()
    (target / "notes.txt").write_text("mine")
    outcome = lisppump("plugins", "new", "tides", "--dir", tmp_path)
    assert outcome.code == 1
    assert outcome.err == (
        f"error[folder-not-empty]: {target} is there already\n"
        "  help: take another name, or another place with --dir; nothing was written\n"
    )
    assert below(tmp_path) == ["lisppump-tides/notes.txt"]
    (target / "notes.txt").unlink()
    assert lisppump("plugins", "new", "tides", "--dir", tmp_path).code == 0  # an empty folder is no loss


@pytest.mark.parametrize("what", ["a file", "a link to nothing", "a link to a full folder"])
def test_whatever_else_is_there_is_left_alone(lisppump: Lisppump, tmp_path: Path, what: str) -> None:
    target, here = tmp_path / "lisppump-tides", tmp_path / "full"
    here.mkdir()
    (here / "notes.txt").write_text("mine")
    if what == "a file":
        target.write_text("mine")
    else:
        target.symlink_to(here if "full" in what else tmp_path / "nothing")
    before = sorted(os.listdir(tmp_path))
    assert "error[folder-not-empty]" in lisppump("plugins", "new", "tides", "--dir", tmp_path).err
    assert sorted(os.listdir(tmp_path)) == before and os.listdir(here) == ["notes.txt"]


def test_who_comes_between_is_not_overwritten(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        target.mkdir()
        (target / "notes.txt").write_text("mine")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    outcome = lisppump("plugins", "new", "tides", "--dir", tmp_path)
    assert outcome.code == 1 and "error[folder-not-empty]" in outcome.err
    assert below(tmp_path) == ["lisppump-tides/notes.txt"] and os.listdir(tmp_path) == ["lisppump-tides"]


def test_a_failure_leaves_nothing(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(self: Path, *args: str, **options: str) -> int:
        if self.name == "README.md":
            raise OSError(28, "No space left on device")
        return write(self, *args, **options)

    monkeypatch.setattr(Path, "write_text", full)
    outcome = lisppump("plugins", "new", "tides", "--dir", tmp_path)
    assert outcome.code == 1 and "no space left on device" in outcome.err
    assert os.listdir(tmp_path) == []


def test_a_kill_leaves_the_whole_of_it_or_none(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from lisppump.cli import main; "
        "pathlib.Path.rename = lambda self, target: os.kill(os.getpid(), 9); main(sys.argv[1:])"
    )
    words = ["plugins", "new", "tides", "--dir", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert [path.name[:10] for path in tmp_path.iterdir()] == [".lisppump-"]
    run(ROOT, "-m", "lisppump", *words)
    assert (tmp_path / "lisppump-tides" / "pyproject.toml").is_file()


def test_a_folder_that_is_not_there_or_may_not_be_written(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("plugins", "new", "tides", "--dir", tmp_path / "none")
    assert (outcome.code, outcome.err) == (
        1, f"error[no-access]: there is no folder {tmp_path}/none\n  help: make it first\n"
    )  # fmt: skip
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        assert "error[no-access]" in lisppump("plugins", "new", "tides", "--dir", tmp_path).err
        tmp_path.chmod(0o700)
    assert os.listdir(tmp_path) == []


def test_an_unknown_kind_is_a_usage_error(lisppump: Lisppump, tmp_path: Path) -> None:
    outcome = lisppump("plugins", "new", "tides", "--kind", "damm", "--dir", tmp_path, "--json")
    assert outcome.code == 2
    assert json.loads(outcome.out)["error"]["code"] == "bad-usage"
    assert os.listdir(tmp_path) == []


def test_its_help(lisppump: Lisppump) -> None:
    golden("help-plugins-new.txt", lisppump("plugins", "new", "--help").out)
