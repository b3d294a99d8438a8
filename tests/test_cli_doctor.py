"""`lisppump doctor`: what it finds, whatever is broken, and that it runs and writes nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lisppump import Pump, __version__
from lisppump.workers.confine import Protection
from lisppump.workers.pool import Workers
from tests.cli_support import ROOT, Lisppump, golden, spawn
from tests.distributions import EBB, TIDES, put, seen

ROOMS = (ROOT / "tests" / "simulations" / "rooms.lisp").read_text()
TOPICS = (
    "python", "packages", "config", "workers", "world", "plugins", "plugins.lock", "stages", "backends",
    "state", "journal", "disk",
)  # fmt: skip
Found = tuple[str, str, str | None]


@pytest.fixture
def lisppump(capsys: pytest.CaptureFixture[str]) -> Lisppump:
    return Lisppump(capsys)


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A world of six rooms, which is also where we are; no settings of the user's."""
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=200e9, used=100e9, free=100e9))
    world = tmp_path / "world"
    world.mkdir()
    (world / "pump.lisp").write_text(ROOMS)
    monkeypatch.chdir(world)
    return world


def change(world: Path, old: str, new: str) -> None:
    assert old in ROOMS
    (world / "pump.lisp").write_text(ROOMS.replace(old, new))


def findings(lisppump: Lisppump, *words: str, code: int | None = None) -> dict[str, list[Found]]:
    """The findings by topic as (level, what, help); the exit code is what they say."""
    outcome = lisppump("doctor", "--json", *words)
    document = outcome.json
    assert document["schema"] == "lisppump/doctor@1" and list(document) == ["schema", "ok", "findings"]
    found: dict[str, list[Found]] = {}
    for each in document["findings"]:
        assert list(each) == ["topic", "level", "what", "help"] and each["topic"] in TOPICS
        assert each["what"] and "Traceback" not in each["what"]
        found.setdefault(each["topic"], []).append((each["level"], each["what"], each["help"]))
    wrong = any(level == "error" for entries in found.values() for level, _, _ in entries)
    assert document["ok"] is not wrong and outcome.code == (1 if wrong else 0)
    assert code is None or outcome.code == code, document
    return found


def plain(text: str, folder: Path) -> str:
    """A text that is the same on every machine and in every version."""
    text = text.replace(str(folder), "FOLDER").replace(str(ROOT), "CHECKOUT")
    text = re.sub(r"Python [\d.]+ \(.*?\)", "Python VERSION (python)", text)
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.split()[1:2] == ["workers"]:
            lines[number] = re.sub(r"kept in by .*", "kept in by KERNEL", line)
        if line.split()[1:3] and line.split()[1] == "packages":
            lines[number] = re.sub(r"\d+(\.\w+)+", "VERSION", line)
    return "".join(lines)


def everything_in(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_all_is_well(lisppump: Lisppump, world: Path, tmp_path: Path) -> None:
    before = everything_in(tmp_path)
    outcome = lisppump("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    golden("doctor.txt", plain(outcome.out, tmp_path))
    assert everything_in(tmp_path) == before
    silent = ("plugins.lock", "backends")
    assert [*findings(lisppump, code=0)] == [topic for topic in TOPICS if topic not in silent]


def test_much_is_wrong(
    lisppump: Lisppump, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    put(site, "beta-tides", "1.2", TIDES, entry="tides")
    put(site, "alpha-tides", "1.0", EBB, entry="ebbs")
    put(site, "dry-sea", "0.3", "raise ValueError('no sea')", entry="sea")
    seen(site, monkeypatch)
    (world / "plugins").mkdir()
    (world / "plugins" / "evil.py").write_text('open("it-ran", "w")\n')
    (world / "plugins.lock").write_text(
        'format = 1\n[plugins.lost-sea]\nversion = "2.0"\n[plugins.beta-tides]\nversion = "1.1"\n'
    )
    change(world, "(dam round-robin)", "(dam round-robbin) (sead 3)")
    (world / ".lisppump").write_text("")
    (world / "state").write_text("")
    (tmp_path / "config.toml").write_text("[trusted")
    usage = SimpleNamespace(total=200e9, used=196e9, free=4e9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    outcome = lisppump("doctor")
    assert (outcome.code, outcome.err) == (1, "")
    golden("doctor-ill.txt", plain(outcome.out, tmp_path))
    assert not (world / "it-ran").exists()
    findings(lisppump, code=1)


# -- the installation


def _wants(monkeypatch: pytest.MonkeyPatch, *requirements: str) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _: list(requirements))


def test_what_lisppump_needs_is_looked_at(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    _wants(monkeypatch, "click>=8", "pluggy>=99", "no-such-thing>=1", 'other; extra == "dash"')
    found = findings(lisppump, code=1)["packages"]
    assert found[0][:2] == ("ok", f"lisppump {__version__} ({ROOT / 'lisppump'})")
    version = metadata.version("pluggy")
    assert found[1:3] == [
        ("error", f"lisppump wants pluggy >=99, installed is {version}", "pip install 'pluggy>=99'"),
        ("error", "lisppump wants no-such-thing >=1, installed is absent", "pip install 'no-such-thing>=1'"),
    ]
    assert found[3][:2] == ("ok", f"click {metadata.version('click')}") and len(found) == 4


def test_lisppump_that_is_not_installed(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> Any:
        raise metadata.PackageNotFoundError("lisppump")

    monkeypatch.setattr(metadata, "requires", nothing)
    monkeypatch.setattr(metadata, "metadata", nothing)
    found = findings(lisppump, code=0)
    assert found["packages"][1][0] == "warning" and found["python"][0][0] == "ok"


def test_an_old_python(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.python_version", lambda: "3.10.4")
    ((level, what, help),) = findings(lisppump, code=1)["python"]
    assert level == "error" and "lisppump wants >=3.11" in what and help


def test_the_settings(lisppump: Lisppump, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[trusted]\n"/a" = "sha256:{"0" * 64}"\n')
    assert findings(lisppump, code=0)["config"] == [("ok", f"{file}; 1 trusted folder", None)]
    file.write_text("[trusted]\n\n= 5\n")
    ((level, what, help),) = findings(lisppump, code=1)["config"]
    assert level == "error" and f"{file}:3" in what and help
    file.write_text('[trusted]\n"/a" = 5\n')
    assert findings(lisppump, code=1)["config"][0][0] == "error"


def test_a_world_without_the_wall_is_a_warning(lisppump: Lisppump, world: Path) -> None:
    assert "isolate" not in json.dumps(findings(lisppump, code=0)["world"])
    change(world, "(dam round-robin)", "(dam round-robin) (isolate none)")
    level, what, help = findings(lisppump, code=0)["world"][1]
    assert level == "warning" and "in the pump's own process" in what and "(isolate worker)" in str(help)


def test_what_keeps_workers_in_is_said(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Protection("walls", True, "nobody leaves"), Protection("a roof", False, "nobody flies")]
    monkeypatch.setattr("lisppump.workers.confine.protections", lambda: iter(parts))
    assert findings(lisppump, code=0)["workers"] == [
        ("ok", "agents' programs can run apart from the pump, kept in by walls", None),
        ("warning", "no a roof here: nothing but the evaluator sees to it that nobody flies",
         "docs/workers.md says what is promised without it"),
    ]  # fmt: skip


def test_workers_that_cannot_be_had_are_an_error(
    lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lisppump.workers.pool.shared", lambda: Workers("raise SystemExit(3)"))
    ((level, what, help),) = findings(lisppump, code=1)["workers"]
    assert level == "error" and "could not be started" in what and "(isolate none)" in str(help)


# -- the world


def test_without_a_world_only_the_installation_is_looked_at(lisppump: Lisppump, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    found = findings(lisppump, "-C", str(empty), code=0)
    assert [*found] == ["python", "packages", "config", "workers", "world", "plugins"]
    assert found["world"][0][0] == "warning" and "no pump.lisp" in found["world"][0][1]
    absent = findings(lisppump, "-C", str(tmp_path / "absent"), code=1)
    assert absent["world"][0][0] == "error" and "there is no folder" in absent["world"][0][1]


def test_a_folder_that_nobody_may_look_into(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> Path:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr("lisppump.folder.find_root", refused)
    monkeypatch.setattr("lisppump.doctor.find_root", refused)
    found = findings(lisppump, code=1)
    assert [*found] == ["python", "packages", "config", "workers", "world", "plugins"]
    assert "PermissionError" in found["world"][0][1]


def test_a_policy_that_does_not_check_is_its_first_error_and_their_number(
    lisppump: Lisppump, world: Path
) -> None:
    change(world, "(dam round-robin)", "(dam round-robbin) (sead 3)")
    found = findings(lisppump, code=1)
    ((level, what, help),) = found["world"]
    assert (level, help) == ("error", "see `lisppump check`")
    assert what.startswith("pump.lisp does not check: pump.lisp:33: there is no dam called `round-robbin`")
    assert what.endswith("(1 more error)")
    assert "stages" not in found and {"state", "journal", "disk"} <= set(found)
    for text in ("(pump", "", "\0", "(pump (name x))"):
        (world / "pump.lisp").write_text(text)
        assert findings(lisppump, code=1)["world"][0][0] == "error", text
    (world / "pump.lisp").write_bytes(b"\xff\xfe")
    assert findings(lisppump, code=1)["world"][0][0] == "error"


def test_another_policy(lisppump: Lisppump, world: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.lisp"
    other.write_text(ROOMS.replace("(name rooms)", "(name others)"))
    (world / "pump.lisp").write_text("(pump")
    found = findings(lisppump, "--pump", str(other), code=0)
    assert found["world"] == [("ok", f"others: {other} checks", None)]
    assert f"{world}/state" in found["state"][0][1]


def test_the_stages_say_where_they_come_from(
    lisppump: Lisppump, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path / "site", "beta-tides", "1.2", TIDES, entry="tides")
    seen(tmp_path / "site", monkeypatch)
    change(world, "(dam round-robin)", "(dam ebb)")
    found = findings(lisppump, code=0)["stages"]
    assert found[0][1].startswith("built in: backend lispy, ")
    assert found[1] == ("ok", f"dam ebb from beta-tides:tides 1.2 ({file})", None)


# -- plugins


def test_what_the_policy_leaves_out_is_no_error(
    lisppump: Lisppump, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "site", "dry-sea", "0.3", "raise ValueError('no sea')", entry="sea")
    seen(tmp_path / "site", monkeypatch)
    assert findings(lisppump, code=1)["plugins"][0][0] == "error"
    off = findings(lisppump, "-p", "no:dry-sea", code=0)["plugins"]
    assert off[0][:2] == ("ok", "plugin dry-sea 0.3 is switched off: by -p or LISPPUMP_PLUGINS")
    change(world, "(dam round-robin)", "(dam round-robin) (plugins (without dry-sea))")
    assert findings(lisppump, code=0)["plugins"][0][0] == "ok"
    change(world, "(dam round-robin)", "(dam round-robbin) (plugins (without dry-sea))")
    found = findings(lisppump, code=1)
    assert found["plugins"][0][0] == "ok" and found["world"][0][0] == "error"


def test_the_lock_is_compared_with_what_is_installed(
    lisppump: Lisppump, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "site", "beta-tides", "1.2", TIDES, entry="tides")
    seen(tmp_path / "site", monkeypatch)
    lock = world / "plugins.lock"
    lock.write_text('format = 1\n[plugins.beta-tides]\nversion = "1.2"\n')
    assert findings(lisppump, code=0)["plugins.lock"] == [("ok", "1 of 1 installed as it says", None)]
    lock.write_text('format = 1\n[plugins.beta-tides]\nversion = "1.1"\n')
    ((level, what, help),) = findings(lisppump, code=0)["plugins.lock"]
    assert (level, what) == ("warning", "beta-tides should be 1.1, installed is 1.2")
    assert help == "lisppump plugins sync"
    lock.write_text('format = 1\n[plugins.lost]\nversion = "1.1"\n')
    assert findings(lisppump, code=1)["plugins.lock"][0][:2] == ("error", "lost 1.1 is not installed")
    lock.write_text("format = ")
    assert findings(lisppump, code=1)["plugins.lock"][0][0] == "error"


BACKEND = '''
    import os, sys
    from lisppump import Finding, Reply, hookimpl

    class Sea:
        """Answers nothing."""

        {init}

        async def pour(self, request):
            return Reply(data={{}})

        def findings(self):
            {body}

    @hookimpl
    def backends(): return {{"sea": Sea}}
'''


@pytest.fixture
def sea(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make a backend of an installed plugin whose `findings` has this body, chosen by the world."""

    def make(body: str, init: str = "") -> None:
        shutil.rmtree(tmp_path / "site", ignore_errors=True)
        put(tmp_path / "site", "sea", "1.0", BACKEND.format(body=body, init=init), entry="sea")
        seen(tmp_path / "site", monkeypatch)
        change(world, "(script (lispy (program persona)))", "(script sea)")

    yield make


def test_a_backend_says_how_it_is(lisppump: Lisppump, sea: Any) -> None:
    sea('print("hm"); yield Finding("ok", "there"); yield Finding("warning", "low", "wait")')
    found = findings(lisppump, code=0)["backends"]
    assert found == [("ok", "script: there", None), ("warning", "script: low", "wait")]
    sea('return [Finding("error", "its key is not set", "set SEA_KEY")]')
    assert findings(lisppump, code=1)["backends"] == [("error", "script: its key is not set", "set SEA_KEY")]


@pytest.mark.parametrize(
    ("body", "init", "words"),
    [
        ('yield Finding("ok", "there"); raise ValueError("dry")', "", "raised ValueError: dry"),
        ("sys.exit(3)", "", "raised SystemExit: 3"),
        ("return 5", "", "raised TypeError"),
        ("return [5]", "", "gave something that is no Finding"),
        ('return [Finding("fine", "x")]', "", "gave something that is no Finding"),
        ('return [Finding("ok", 5)]', "", "gave something that is no Finding"),
        ("return []", "def __init__(self): raise OSError('no port')", "raised OSError: no port"),
    ],
)
def test_a_backend_that_fails_when_asked_is_one_error(
    lisppump: Lisppump, sea: Any, body: str, init: str, words: str
) -> None:
    sea(body, init)
    found = findings(lisppump, code=1)
    ((level, what, help),) = found["backends"]
    assert level == "error" and words in what and "sea:sea" in what and help
    assert "journal" in found


# -- the state


def test_what_cannot_be_written_is_said_without_writing(
    lisppump: Lisppump, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings(lisppump, code=0)["state"]
    assert [what for _, what, _ in found] == [
        f"{world}/state can be written, will be made", f"{world}/.lisppump can be written, will be made",
    ]  # fmt: skip
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = findings(lisppump, code=1)["state"]
    assert [level for level, _, _ in found] == ["error", "error"]
    assert found[0][1:] == (f"{world} cannot be written", f"chmod u+rwx {world}")
    monkeypatch.undo()
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    (world / "state").write_text("")
    found = findings(lisppump, "-C", str(world), code=1)["state"]
    assert found[0] == ("error", f"{world}/state is in the way of a folder", "move it away")


def test_the_journal(lisppump: Lisppump, world: Path) -> None:
    assert findings(lisppump)["journal"] == [("ok", "no frame was made yet", None)]
    with Pump.open(world) as pump:
        pump.step(2)
        found = findings(lisppump, code=0)["journal"]
        assert found[0] == ("ok", f"process {os.getpid()} is writing this world", None)
        assert found[1] == ("ok", "its newest frame is 2", None)
    assert findings(lisppump, code=0)["journal"] == [("ok", "its newest frame is 2", None)]
    (segment,) = (world / ".lisppump" / "journal").iterdir()
    data = bytearray(segment.read_bytes())
    data[len(data) // 3] ^= 1
    segment.write_bytes(data)
    before = everything_in(world)
    ((level, what, help),) = findings(lisppump, code=1)["journal"]
    assert level == "error" and what and help
    (world / "pump.lisp").write_text("(pump")
    assert findings(lisppump, code=1)["journal"][0][0] == "error"
    (world / "pump.lisp").write_text(ROOMS)
    (world / ".lisppump" / "FORMAT").write_text("99\n")
    assert "format" in findings(lisppump, code=1)["journal"][0][1]
    (world / ".lisppump" / "FORMAT").write_text("1\n")
    assert everything_in(world) == before


def test_little_room_on_the_disk(lisppump: Lisppump, monkeypatch: pytest.MonkeyPatch) -> None:
    def room(free: float) -> Found:
        usage = SimpleNamespace(total=100e9, used=100e9 - free, free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        (found,) = findings(lisppump, code=0)["disk"]
        return found

    assert room(5e9) == ("ok", "5.0 GB of 100.0 GB are free", None)
    assert room(4.9e9)[:2] == ("warning", "4.9 GB of 100.0 GB are free")

    def gone(_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    ((level, what, _),) = findings(lisppump, code=1)["disk"]
    assert level == "error" and what.startswith("nobody can look at it: OSError")


# -- what it must not do


def test_nothing_of_a_folder_without_trust_runs(world: Path, tmp_path: Path) -> None:
    (world / "plugins").mkdir()
    (world / "plugins" / "evil.py").write_text(f'open({str(tmp_path / "it-ran")!r}, "w")\n')
    (world / "plugins" / "_shared.py").write_text(f'open({str(tmp_path / "it-ran")!r}, "w")\n')
    before = everything_in(tmp_path)
    outcome = spawn("doctor", cwd=world, LISPPUMP_CONFIG=str(tmp_path / "config.toml"))
    assert (outcome.code, outcome.err) == (0, "")
    assert "warning  plugins   plugin plugins/evil.py " in outcome.out
    assert everything_in(tmp_path) == before
    assert json.loads(spawn("doctor", "--json", cwd=world).out)["ok"] is True
