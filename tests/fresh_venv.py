"""A fresh virtual environment with the project's wheel in it, offline and in seconds, for tests of plugins.

A test module makes a fixture of it; what one test installs the next one finds, unless each has its own:

    @pytest.fixture(scope="module")
    def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
        return fresh_environment(tmp_path_factory)

    def test_a_plugin(environment: Environment, tmp_path: Path) -> None:
        environment.install(built(folder_of_the_plugin, tmp_path))
        outcome = environment.run("lisppump", "plugins", cwd=tmp_path)
        assert (outcome.code, outcome.err) == (0, "")

`built(folder, tmp_path)` builds the wheel of a distribution, `handmade(...)` writes a small one by hand. The
dependencies, pip, pytest and setuptools are those of the running environment, linked. Scripts of theirs are
not in `bin/`: run `python -m pytest`. No index is asked, and the user's own settings are not seen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.cli_support import ROOT, Outcome

PROJECT = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "lisp_lib", "lisppump", "plugins")
OURS = ("lisppump", "__editable__", "_lisppump")  # what a fresh environment gets from a wheel, or not at all
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
# For pip, 0 is what says `--no-build-isolation`.
LITTER = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", ".*_cache")


@dataclass(frozen=True)
class Environment:
    """A virtual environment in a folder of its own; its user's home is `home`."""

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its programs lie."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.bin / "python"

    @property
    def packages(self) -> list[Path]:
        """Where its packages lie: its own, then those that it is lent."""
        (own,) = self.folder.glob("lib/python*/site-packages")
        return [own, self.folder.parent / "dependencies"]

    @property
    def home(self) -> Path:
        """The home folder of whoever runs something in it."""
        return self.folder.parent / "home"

    def run(
        self, *words: str | Path, cwd: Path | None = None, env: Mapping[str, str | Path] | None = None
    ) -> Outcome:
        """Run a program, one of the environment's first; `env` comes on top. Nobody is there to answer."""
        done = subprocess.run(
            [*map(str, words)],
            cwd=cwd or self.home,
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def variables(self, more: Mapping[str, str | Path] | None = None) -> dict[str, str]:
        """The variables that its programs see."""
        return {
            "PATH": f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.home),
            "VIRTUAL_ENV": str(self.folder),
            "LANG": "C.UTF-8",
            "COLUMNS": "80",
            **OFFLINE,
            **{name: str(value) for name, value in (more or {}).items()},
        }

    def install(self, wheel: Path) -> None:
        """Install a wheel, or say what pip says."""
        _done([self.python, "-m", "pip", "install", "--no-deps", "--quiet", wheel], self.variables())


def fresh_environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A new environment with the project's wheel."""
    folder = tmp_path_factory.mktemp("fresh")
    environment = Environment(folder / "venv")
    environment.home.mkdir()
    venv.create(environment.folder, with_pip=False, symlinks=True)
    _link_dependencies(environment)
    environment.install(_project_wheel(tmp_path_factory.getbasetemp()))
    return environment


@cache
def _project_wheel(folder: Path) -> Path:
    """The project's wheel, built once in a run of the tests."""
    return built(ROOT, folder, PROJECT)


def built(source: Path, target: Path, names: Sequence[str] = (".",)) -> Path:
    """The wheel of a distribution's folder, or of these entries of it, somewhere below `target`.

    It is made from a copy, so that nothing is left in the folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="wheel-", dir=target))
    for name in names:
        copy = folder / "source" / name
        if (source / name).is_dir():
            shutil.copytree(source / name, copy, ignore=LITTER, dirs_exist_ok=True)
        else:
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(source / name, copy)
    words = ["-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", folder, folder / "source"]
    _done([sys.executable, *words], {**os.environ, **OFFLINE})
    (wheel,) = folder.glob("*.whl")
    return wheel


def handmade(
    folder: Path, name: str, version: str, *, module: str = "", group: str = "lisppump", needs: str = ""
) -> Path:
    """The wheel of a distribution with one module, written by hand in no time.

    Its entry point is called as what follows the first hyphen of the name, and is the module.
    """
    word = name.replace("-", "_")
    info = f"{word}-{version}.dist-info"
    entry = f"[{group}]\n{name.partition('-')[2]} = {word}\n"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{word}.py": module,
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": entry,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{word}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
        archive.writestr(f"{info}/RECORD", record)
    return path


def _link_dependencies(environment: Environment) -> None:
    """Let the environment import what the running one has, but for lisppump and its plugins."""
    own, folder = environment.packages
    folder.mkdir()
    for path in map(Path, sys.path):
        if path.name not in ("site-packages", "dist-packages") or not path.is_dir():
            continue
        for entry in sorted(path.iterdir()):
            link = folder / entry.name
            if not entry.name.startswith(OURS) and entry.suffix != ".pth" and not link.is_symlink():
                link.symlink_to(entry.resolve())
    (own / "dependencies.pth").write_text(f"{folder}\n", encoding="utf-8")


def _done(words: list[str | Path], variables: Mapping[str, str]) -> None:
    done = subprocess.run([*map(str, words)], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
