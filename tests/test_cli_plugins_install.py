"""`lisppump plugins add|remove|sync`, with real wheels in fresh environments and no index but a folder."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest

from lisppump import lockfile
from lisppump.cli import installer
from lisppump.cli.plugins_install import meant
from lisppump.errors import LisppumpError
from lisppump.lockfile import Entry
from tests.cli_support import Lisppump, Outcome, golden
from tests.fresh_venv import Environment, fresh_environment, handmade

DAM = """\
from lisppump import hookimpl

class Dam:
    "Everybody in one room."

    def assign(self, frame, agents, n, seed):
        return [[agent.id for agent in agents]]

@hookimpl
def dams():
    return {"NAME": Dam}
"""


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return fresh_environment(tmp_path_factory)


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with a pump.lisp; its wheels lie in wheels/ beside it."""
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "pump.lisp").write_text(
        '(pump (name w) (genesis (lambda () {"agents.json" {"agents" {"ada" {}}}}))\n'
        '  (agents "agents.json" agents) (pipe none) (delta))\n'
    )
    return folder


def wheel(world: Path, version: str = "0.1.0", name: str = "tides", **more: str) -> Path:
    module = more.pop("module", DAM.replace("NAME", name))
    return handmade(world.parent / "wheels", f"lisppump-{name}", version, module=module, **more)


def plugins(environment: Environment, world: Path, *words: str | Path, **env: str | Path) -> Outcome:
    """What `lisppump plugins` comes to in a world, where pip finds the wheels beside it by name."""
    found = {"PIP_FIND_LINKS": world.parent / "wheels", **env}
    return environment.run("lisppump", "plugins", *words, cwd=world, env=found)


def there(environment: Environment, *names: str) -> dict[str, str]:
    """The versions of these distributions that the environment has."""
    found = metadata.distributions(path=[str(path) for path in environment.packages])
    return {each.name: each.version for each in found if each.name in names}


def shown(outcome: Outcome, world: Path, environment: Environment) -> str:
    """All that a person sees, with this machine's paths out of it."""
    text = f"{outcome.out}{outcome.err}exit {outcome.code}\n"
    return text.replace(str(world.parent), "HERE").replace(str(environment.folder), "VENV")


# -- add


def test_a_plugin_comes_and_is_written_down(environment: Environment, world: Path) -> None:
    path = wheel(world)
    dry = plugins(environment, world, "add", path, "--dry-run")
    assert dry.out == f"would install {path} and write {world}/plugins.lock\n"
    assert there(environment, "lisppump-tides") == {} and not (world / "plugins.lock").exists()
    outcome = plugins(environment, world, "add", f"../wheels/{path.name}")
    golden("plugins-add.txt", shown(outcome, world, environment))
    assert lockfile.read(world) == (Entry("lisppump-tides", "0.1.0", f"../wheels/{path.name}"),)
    golden("plugins-lock.txt", (world / "plugins.lock").read_text())
    assert sorted(os.listdir(world)) == ["plugins.lock", "pump.lisp"]
    listed = environment.run("lisppump", "plugins", "--json", cwd=world).json["plugins"]
    assert [(plugin["plugin"], plugin["state"]) for plugin in listed] == [("lisppump-tides:tides", "ready")]


def test_by_name_the_index_is_asked_that_pip_knows(environment: Environment, world: Path) -> None:
    wheel(world, "0.1.0"), wheel(world, "0.2.0")
    outcome = plugins(environment, world, "add", "lisppump-tides<0.2", "--json")
    assert outcome.json == {
        "schema": "lisppump/plugins-add@1", "dry_run": False, "lock": f"{world}/plugins.lock",
        "requirements": ["lisppump-tides<0.2"],
        "installed": [{"name": "lisppump-tides", "version": "0.1.0", "source": None, "editable": False,
                       "plugins": ["tides"]}],
    }  # fmt: skip
    assert lockfile.read(world) == (Entry("lisppump-tides", "0.1.0"),)
    again = plugins(environment, world, "add", "lisppump_tides", "-v")
    assert again.out.startswith("lisppump-tides 0.1.0 is installed")  # it was there: pip has nothing to do
    assert "Requirement already satisfied" in again.err


def test_a_wheel_made_anew_under_the_same_version_counts(environment: Environment, world: Path) -> None:
    assert plugins(environment, world, "add", wheel(world)).code == 0
    path = wheel(world, module=DAM.replace("NAME", "ebb"))
    outcome = plugins(environment, world, "add", path)
    assert f"pip: install {path} anew, since that version was there\n" in outcome.err
    assert environment.run("lisppump", "plugins", "why", "ebb", cwd=world).code == 0


def test_a_folder_is_used_where_it_lies(environment: Environment, world: Path) -> None:
    odd = world / "it's; odd [x] #1"
    odd.mkdir()
    assert plugins(environment, world, "new", "tides", "--dir", odd).code == 0
    outcome = plugins(environment, world, "add", "-e", f"{odd.name}/lisppump-tides")
    assert outcome.code == 0, outcome.err
    assert lockfile.read(world) == (
        Entry("lisppump-tides", "0.1.0", "it's; odd [x] #1/lisppump-tides", editable=True),
    )
    why = environment.run("lisppump", "plugins", "why", "tides", cwd=world)
    assert f"{odd}/lisppump-tides/lisppump_tides.py" in why.out
    refused = plugins(environment, world, "add", "-e", "lisppump-tides")
    assert refused.code == 2 and "-e wants the path of a project's folder" in refused.err


def test_what_comes_along_is_written_down_too(environment: Environment, world: Path) -> None:
    wheel(world, "3", "moon")
    outcome = plugins(environment, world, "add", wheel(world, needs="lisppump-moon"))
    assert outcome.code == 0, outcome.err
    assert [(entry.name, entry.version) for entry in lockfile.read(world)] == [
        ("lisppump-moon", "3"), ("lisppump-tides", "0.1.0"),
    ]  # fmt: skip


def test_what_is_no_plugin_stays_installed_and_out_of_the_lock(environment: Environment, world: Path) -> None:
    paths = [wheel(world, group="other.tool"), wheel(world, "1", "moon")]
    outcome = plugins(environment, world, "add", *paths)
    golden("plugins-add-no-plugin.txt", shown(outcome, world, environment))
    assert not (world / "plugins.lock").exists()
    assert there(environment, "lisppump-tides") == {"lisppump-tides": "0.1.0"}


def test_a_failing_pip_is_heard_and_the_lock_is_as_it_was(environment: Environment, world: Path) -> None:
    lockfile.write(world, [Entry("lisppump-moon", "1")])
    before = (world / "plugins.lock").read_bytes()
    outcome = plugins(environment, world, "add", "lisppump-nowhere>=1")
    assert (outcome.code, outcome.out) == (1, "")
    assert "error[install-failed]: pip could not install lisppump-nowhere>=1 (exit 1)\n" in outcome.err
    assert "  pip: ERROR: No matching distribution found for lisppump-nowhere>=1\n" in outcome.err
    assert "-v shows all that it says" in outcome.err
    aloud = plugins(environment, world, "add", "lisppump-nowhere>=1", "-v", "--json")
    assert aloud.json["error"]["code"] == "install-failed" and aloud.json["error"]["category"] == "plugin"
    assert "ERROR: No matching distribution found" in aloud.err
    broken = wheel(world)
    broken.write_bytes(b"no zip")
    assert "error[install-failed]" in plugins(environment, world, "add", broken).err
    assert (world / "plugins.lock").read_bytes() == before


def test_without_a_world_only_the_environment_has_it(environment: Environment, world: Path) -> None:
    path = wheel(world)
    outcome = environment.run("lisppump", "plugins", "add", path, cwd=world.parent)
    assert outcome.code == 0
    assert "there is no simulation here, so no plugins.lock: only the environment has it\n" in outcome.err
    outcome = environment.run("lisppump", "plugins", "remove", "lisppump-tides", "--yes", cwd=world.parent)
    assert outcome.out == "done: uninstall lisppump-tides\n"
    assert there(environment, "lisppump-tides") == {}
    outcome = environment.run("lisppump", "-C", world / "none", "plugins", "add", path)
    assert (outcome.code, "error[no-simulation]" in outcome.err) == (1, True)
    assert there(environment, "lisppump-tides") == {}


def test_a_damaged_lock_is_refused_before_anything_is_done(environment: Environment, world: Path) -> None:
    path = wheel(world)
    (world / "plugins.lock").write_text('format = 1\n[plugins.a]\nversion = "1.0; rm -rf"\n')
    for words in (["add", path], ["sync", "--yes"], ["remove", "lisppump-a", "--yes"]):
        outcome = plugins(environment, world, *words)
        assert (outcome.code, outcome.out) == (1, "")
        assert "error[bad-lock]" in outcome.err and "plugins.lock:3:1" in outcome.err
    assert there(environment, "lisppump-tides") == {}


def test_two_who_add_at_once_lose_nothing(environment: Environment, world: Path) -> None:
    paths = [wheel(world, "1", name) for name in ("tides", "moon", "sun")]
    running = [
        subprocess.Popen(
            [environment.bin / "lisppump", "plugins", "add", path],
            cwd=world,
            env=environment.variables(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for path in paths
    ]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    names = [entry.name for entry in lockfile.read(world)]
    assert names == ["lisppump-moon", "lisppump-sun", "lisppump-tides"]
    assert there(environment, *names) == {name: "1" for name in names}


def test_a_pip_of_the_folder_is_not_the_one_that_runs(environment: Environment, world: Path) -> None:
    for name in ("pip.py", "sitecustomize.py", "packaging.py", "tomli_w.py"):
        (world / name).write_text("open('ran-' + __name__, 'w').close(); raise SystemExit(3)\n")
    outcome = plugins(environment, world, "add", wheel(world))
    assert outcome.code == 0, outcome.err
    assert not [name for name in os.listdir(world) if name.startswith("ran-")]


def test_a_folder_that_may_not_be_written_is_said_before_anything_is_installed(
    lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    monkeypatch.setattr(installer, "install", lambda *_: pytest.fail("it was installed"))
    outcome = lisppump("-C", world, "plugins", "add", wheel(world))
    assert (outcome.code, outcome.out) == (1, "")
    assert "error[no-access]" in outcome.err and "nothing was changed" in outcome.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("--index-url=https://evil", "is an option, no requirement"),
        ("-rlist.txt", "is an option"),
        ("https://evil/x.whl", "is an address"),
        ("git+https://evil/x", "is an address"),
        ("tides @ https://evil/x.whl", "is an address"),
        ("tides @ file:/x.whl", "is an address"),
        ("tides[extra]", "an address, or extras"),
        ("ti des", "is neither a requirement nor a path"),
        ("tides; rm -rf ~", "is neither a requirement nor a path"),
        ("tides\n--index-url x", "is neither a requirement nor a path"),
        ("", "is neither a requirement nor a path"),
        ("./none.whl", "does not exist"),
        ("none.tar.gz", "does not exist"),
        (".", "is a folder without a pyproject.toml"),
        ("./notes.txt", "is neither a wheel, nor an sdist, nor a project's folder"),
        ("evil.tgz", "is neither a wheel, nor an sdist, nor a project's folder"),
        ("evil.tgz; python_version > '3'", "names a file here, which the installer would take"),
    ],
)
def test_what_is_no_requirement_is_refused(
    lisppump: Lisppump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "evil.tgz").write_text("")
    outcome = lisppump("plugins", "add", "--", text)
    assert (outcome.code, outcome.out) == (2, "")
    assert "error[bad-usage]" in outcome.err and words in outcome.err


def test_what_a_requirement_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tides").mkdir()
    (tmp_path / "tides" / "pyproject.toml").write_text("")
    assert meant("tides", False).path is None  # no guessing: that is a name
    assert meant("Tides>=1,<2", False).name == "tides"
    folder = meant("./tides", True)
    assert folder.words(True) == ["-e", (tmp_path / "tides").as_uri()]
    with pytest.raises(LisppumpError, match="cannot be editable") as caught:
        meant("tides", True)
    assert caught.value.help == "-e wants the path of a project's folder, like ./tides"


# -- which installer


def test_neither_pip_nor_uv(lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(world))
    outcome = lisppump("-C", world, "plugins", "add", "lisppump-tides")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(
        "error[no-installer]: there is neither pip nor uv to install lisppump-tides\n"
        f"  help: `{sys.executable} -m ensurepip` brings pip; or do by hand what `pip install lisppump-tides`"
    )
    assert not (world / "plugins.lock").exists()


def test_uv_where_there_is_no_pip(lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = world / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.words"\necho no such package\nexit 2\n')
    uv.chmod(0o755)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    outcome = lisppump("-C", world, "plugins", "add", "lisppump-tides")
    assert "error[install-failed]: uv could not install lisppump-tides (exit 2)\n" in outcome.err
    assert "  uv: no such package\n" in outcome.err
    words = uv.with_name("uv.words").read_text().split()
    assert words == ["--no-config", "pip", "install", "--python", sys.executable, "lisppump-tides"]


def test_what_pip_says_cannot_paint_the_terminal(
    lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def line(verb: str, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-c", r"import sys; print('a\x1b[2Jb'); sys.exit(1)"]

    monkeypatch.setattr(installer, "_command", line)
    outcome = lisppump("-C", world, "plugins", "add", "lisppump-tides")
    assert "  pip: a\\x1b[2Jb\n" in outcome.err


# -- remove


def test_a_plugin_goes(environment: Environment, world: Path) -> None:
    for name in ("tides", "moon"):
        assert plugins(environment, world, "add", wheel(world, name=name)).code == 0
    dry = plugins(environment, world, "remove", "lisppump-tides", "--dry-run")
    assert dry.out == "would uninstall lisppump-tides and take lisppump-tides from plugins.lock\n"
    for switch, reason in (("--no-input", "--no-input was given"), ("-q", "the input is no terminal")):
        outcome = plugins(environment, world, "remove", "lisppump-tides", switch)
        assert (outcome.code, outcome.out) == (1, "")
        assert "error[not-asked]" in outcome.err and reason in outcome.err
    assert len(lockfile.read(world)) == 2
    outcome = plugins(environment, world, "remove", "Lisppump_Tides", "lisppump-tides", "--yes", "--json")
    assert outcome.json == {
        "schema": "lisppump/plugins-remove@1", "dry_run": False, "lock": f"{world}/plugins.lock",
        "uninstalled": ["lisppump-tides"], "unlocked": ["lisppump-tides"],
    }  # fmt: skip
    assert [entry.name for entry in lockfile.read(world)] == ["lisppump-moon"]
    kept = plugins(environment, world, "remove", "lisppump-moon", "--keep")
    assert kept.out == "done: take lisppump-moon from plugins.lock\n"
    assert there(environment, "lisppump-tides", "lisppump-moon") == {"lisppump-moon": "0.1.0"}
    assert lockfile.read(world) == ()


def test_only_plugins_can_be_removed(environment: Environment, world: Path) -> None:
    assert plugins(environment, world, "add", wheel(world)).code == 0
    for name in ("click", "lisppump", "nobody", "../x", "--yes"):
        outcome = plugins(environment, world, "remove", "--yes", "--", name)
        assert (outcome.code, "error[not-a-plugin]" in outcome.err) == (1, True)
    outcome = plugins(environment, world, "remove", "tides", "--yes")  # what it offers is no distribution
    assert "did you mean `lisppump-tides`?" in outcome.err
    assert there(environment, "lisppump-tides", "click", "lisppump").keys() == {
        "lisppump-tides", "click", "lisppump",
    }  # fmt: skip


def test_the_question_is_asked_on_a_terminal(environment: Environment, world: Path) -> None:
    assert plugins(environment, world, "add", wheel(world)).code == 0
    for answer, gone in (("n\n", False), ("\n", False), ("y\n", True)):
        master, slave = pty.openpty()
        os.write(master, answer.encode())
        done = subprocess.run(
            [environment.bin / "lisppump", "plugins", "remove", "lisppump-tides"],
            cwd=world,
            env=environment.variables(),
            stdin=slave,
            capture_output=True,
            text=True,
            check=False,
        )
        os.close(master)
        os.close(slave)
        question = "Uninstall lisppump-tides and take lisppump-tides from plugins.lock? [y/N]: "
        assert done.stderr.startswith(question), done.stderr
        assert done.returncode == (0 if gone else 1)
        assert (done.stdout == "nothing was changed\n") is not gone
        assert (there(environment, "lisppump-tides") == {}) is gone
    assert lockfile.read(world) == ()


# -- sync


def test_a_world_survives_a_new_environment(
    environment: Environment, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert plugins(environment, world, "new", "sun").code == 0
    wheel(world, "0.1.0", "moon"), wheel(world, "0.2.0", "moon")
    for words in (["lisppump-moon==0.1"], [wheel(world)], ["-e", "./lisppump-sun"]):
        assert plugins(environment, world, "add", *words).code == 0
    said = plugins(environment, world, "sync")
    assert said.out == "the environment is what plugins.lock says: 3 plugins\n"

    other = fresh_environment(tmp_path_factory)
    other.install(wheel(world, "0.2.0", "moon"))
    other.install(wheel(world, "7", "mine"))
    dry = plugins(other, world, "sync", "--dry-run")
    golden("plugins-sync-dry-run.txt", shown(dry, world, other))
    assert there(other, "lisppump-tides") == {}
    asked = plugins(other, world, "sync", "--no-input", "--json")
    assert (asked.code, asked.json["error"]["code"]) == (1, "not-asked")
    assert asked.err == dry.out.replace("would install", "to install")  # what it would have asked about
    outcome = plugins(other, world, "sync", "--yes")
    golden("plugins-sync.txt", shown(outcome, world, other))
    names = ("lisppump-tides", "lisppump-moon", "lisppump-sun", "lisppump-mine")
    assert there(other, *names) == dict(zip(names, ("0.1.0", "0.1.0", "0.1.0", "7"), strict=True))
    again = plugins(other, world, "sync", "--json")
    assert again.json == {
        "schema": "lisppump/plugins-sync@1", "dry_run": False, "lock": f"{world}/plugins.lock",
        "installed": [], "differs": [],
    }  # fmt: skip
    assert other.run("lisppump", "run", "--frames", "1", cwd=world).code == 0


def test_a_source_that_is_another_version_now_is_said(environment: Environment, world: Path) -> None:
    assert plugins(environment, world, "new", "tides").code == 0
    lockfile.write(world, [Entry("lisppump-tides", "0.0.9", "lisppump-tides", editable=True)])
    outcome = plugins(environment, world, "sync", "--yes")
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "lisppump-tides should be 0.0.9, and is 0.1.0"
    assert "`lisppump plugins add` writes what is there into plugins.lock" in outcome.err


def test_a_source_of_another_name_is_refused(environment: Environment, world: Path) -> None:
    path = wheel(world, name="evil")
    lockfile.write(world, [Entry("lisppump-tides", "0.1.0", str(path))])
    outcome = plugins(environment, world, "sync", "--yes")
    assert (outcome.code, "error[install-failed]" in outcome.err) == (1, True)
    assert there(environment, "lisppump-tides", "lisppump-evil") == {}


def test_a_folder_that_is_used_where_it_lies_and_is_gone_is_missing(
    lisppump: Lisppump, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer, "install", lambda *_: pytest.fail("it was installed"))
    lockfile.write(world, [Entry("pytest", pytest.__version__, "moved", editable=True)])
    outcome = lisppump("-C", world, "plugins", "sync", "--yes")
    assert outcome.code == 1 and f"comes from {world}/moved, where nothing is" in outcome.err
    (world / "moved").mkdir()
    assert lisppump("-C", world, "plugins", "sync").code == 0


def test_what_is_no_plugin_is_marked_before_it_is_asked_for(lisppump: Lisppump, world: Path) -> None:
    lockfile.write(world, [Entry("pytest", "1.0")])
    outcome = lisppump("-C", world, "plugins", "sync", "--dry-run")
    assert f"(now {pytest.__version__}, which is no plugin)" in outcome.out


def test_sync_without_what_it_needs(lisppump: Lisppump, world: Path) -> None:
    assert lisppump("-C", world.parent, "plugins", "sync").code == 1
    outcome = lisppump("-C", world, "plugins", "sync")
    assert (outcome.code, outcome.out) == (0, f"{world}/plugins.lock names no plugins: nothing to do\n")
    lockfile.write(world, [Entry("lisppump-tides", "1", "../gone.whl")])
    outcome = lisppump("-C", world, "plugins", "sync", "--yes")
    assert (outcome.code, outcome.out) == (1, "")
    assert "error[install-failed]: plugins.lock says that lisppump-tides 1 comes from" in outcome.err
    assert f"{world.parent}/gone.whl, where nothing is; nothing was installed" in outcome.err


@pytest.mark.parametrize("name", ["add", "remove", "sync"])
def test_its_help(lisppump: Lisppump, name: str) -> None:
    golden(f"help-plugins-{name}.txt", lisppump("plugins", name, "--help").out)
