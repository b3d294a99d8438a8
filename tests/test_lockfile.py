"""plugins.lock: what is written is read again; what is damaged or hostile is refused, with its line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lisppump import lockfile
from lisppump.disk import Disk
from lisppump.errors import LisppumpError
from lisppump.lockfile import Difference, Entry, changing, compare, installed, read, write
from tests.conftest import ROOT

TIDES = Entry("lisppump-tides", "0.1.0")
MOON = Entry("lisppump-moon", "2.0", "../lisppump-moon", editable=True)
WHEEL = Entry("acme-pump", "1!2.0rc1+local.7", "dist/acme pump-1.whl")
TEXT = """\
# The plugins of this world, written by `lisppump plugins add` and `remove`; keep it with the world.
# `lisppump plugins sync` makes an environment what stands here.
format = 1

[plugins.acme-pump]
version = "1!2.0rc1+local.7"
source = "dist/acme pump-1.whl"

[plugins.lisppump-moon]
version = "2.0"
source = "../lisppump-moon"
editable = true

[plugins.lisppump-tides]
version = "0.1.0"
"""


def lock(root: Path, text: str | bytes) -> Path:
    (root / lockfile.NAME).write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def refusal(root: Path) -> LisppumpError:
    with pytest.raises(LisppumpError) as caught:
        read(root)
    assert (caught.value.code, caught.value.category, caught.value.exit_code) == ("bad-lock", "usage", 1)
    return caught.value


def test_the_same_entries_give_the_same_bytes(tmp_path: Path) -> None:
    for entries in ([TIDES, MOON, WHEEL], [WHEEL, TIDES, MOON]):
        write(tmp_path, entries)
        assert (tmp_path / "plugins.lock").read_text() == TEXT
        assert read(tmp_path) == (WHEEL, MOON, TIDES)
    assert os.listdir(tmp_path) == ["plugins.lock"]


def test_no_lock_and_an_empty_one_name_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == ()
    write(tmp_path, [])
    assert read(tmp_path) == ()


def test_a_source_is_found_from_the_folder(tmp_path: Path) -> None:
    assert MOON.path(tmp_path / "world") == tmp_path / "lisppump-moon"
    assert Entry("a", "1", "/abs/a.whl").path(tmp_path) == Path("/abs/a.whl")
    assert TIDES.path(tmp_path) is None
    assert MOON.to_json() == {
        "name": "lisppump-moon", "version": "2.0", "source": "../lisppump-moon", "editable": True,
    }  # fmt: skip


def test_other_spellings_of_a_name_are_the_same_plugin(tmp_path: Path) -> None:
    lock(tmp_path, 'format = 1\n[plugins."Lisppump_Tides"]\nversion = "0.1.00"\n')
    assert read(tmp_path) == (Entry("lisppump-tides", "0.1.0"),)
    lock(tmp_path, TEXT + '[plugins.Lisppump_Tides]\nversion = "1"\n')
    error = refusal(tmp_path)
    assert "lisppump-tides stands there twice" in error.message and error.span is not None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("format = 1", "format = 2", 3, "it has format 2, and this lisppump reads format 1"),
        ("format = 1", 'format = "1"', 3, "it should say `format = 1`"),
        ("format = 1", "format = true", 3, "it should say `format = 1`"),
        ("format = 1\n", "", 1, "it should say `format = 1`"),
        ('"0.1.0"', '"0.1.0', 15, "it is no TOML"),
        ('"0.1.0"', '"0.1.0"\nversion = "2"', 16, "it is no TOML"),
        ('"0.1.0"', '"1.0; rm -rf ~"', 15, 'version of lisppump-tides should be a version like "1.0"'),
        ('"0.1.0"', '"1.0 --index-url=https://evil"', 15, "should be a version"),
        ('"0.1.0"', '"@ https://evil/x.whl"', 15, "should be a version"),
        ('"0.1.0"', '"*"', 15, "should be a version"),
        ('"0.1.0"', '""', 15, "should be a version"),
        ('"0.1.0"', "1.0", 15, "should be a version"),
        ('version = "0.1.0"', "", 14, "lisppump-tides should have a version"),
        ("[plugins.lisppump-tides]", "[plugins.'-r evil.txt']", 14, "'-r evil.txt' is no name"),
        ("[plugins.lisppump-tides]", '[plugins."a @ https://evil/a.whl"]', 14, "is no name"),
        ("[plugins.lisppump-tides]", '[plugins."a\\nb"]', 1, "is no name"),
        ("[plugins.lisppump-tides]", '[plugins."tıdes"]', 14, "is no name"),
        ("[plugins.lisppump-tides]", "[plugins.lisppump]", 14, "lisppump itself is no plugin"),
        ("[plugins.lisppump-tides]", "[plugins.pip]", 14, "pip is no plugin"),
        ("[plugins.lisppump-tides]", "[plugins.Click]", 14, "Click is no plugin"),
        ("[plugins.lisppump-tides]", "[plugins.google_re2]", 14, "google_re2 is no plugin"),
        ("../lisppump-moon", "-e", 11, "source of lisppump-moon should be a path"),
        ("../lisppump-moon", "https://evil/x.whl", 11, "should be a path"),
        ("../lisppump-moon", "git+ssh://evil/x", 11, "should be a path"),
        ("../lisppump-moon", "a\\nb", 11, "should be a path"),
        ("../lisppump-moon", "a\\u001b[2J", 11, "should be a path"),
        ("../lisppump-moon", "a\\u202e", 11, "should be a path"),
        ("../lisppump-moon", "", 11, "should be a path"),
        ("editable = true", 'editable = "yes"', 12, "editable of lisppump-moon should be true or false"),
        ('source = "../lisppump-moon"\n', "", 11, "lisppump-moon is editable, but has no source"),
        ("editable = true", 'sorce = "x"', 12, "sorce of lisppump-moon should be called `source`"),
        ("editable = true", 'index = "x"', 12, "should be one of version, source, editable"),
    ],
)
def test_what_may_not_stand_there_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in TEXT
    error = refusal(lock(tmp_path, TEXT.replace(old, new)))
    assert error.message.startswith(f"{tmp_path}/plugins.lock cannot be used: ")
    assert words in error.message and len(error.message) < len(str(tmp_path)) + 250
    assert error.span is not None
    assert (error.span.file, error.span.line) == (f"{tmp_path}/plugins.lock", line)
    assert error.help


def test_what_a_person_reads_of_a_damaged_lock(tmp_path: Path) -> None:
    error = refusal(lock(tmp_path, TEXT.replace('"0.1.0"', '"1.0; rm -rf"')))
    assert error.diagnostic().replace(str(tmp_path), "WORLD") == (
        "error[bad-lock]: WORLD/plugins.lock cannot be used: version of lisppump-tides should be a version "
        "like \"1.0\", got '1.0; rm -rf'\n"
        "  --> WORLD/plugins.lock:15:1\n"
        '   15 | version = "1.0; rm -rf"\n'
        "      | ^^^^^^^^^^^^^^^^^^^^^^^\n"
        "  help: mend the line, or take the file from your version control; `rm plugins.lock` begins anew"
    )


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"a = " + b"[" * 100_000, b"x" * (lockfile.LONGEST + 1), b"plugins = 5\nformat = 1",
     b"format = 1\nplugins.a = 5", b"format = 1\n[[plugins]]\nversion = '1'", b"format = " + b"1" * 999,
     b"a." * 30_000 + b"a = 1", b"a = " + b"[" * 990, TEXT.replace("0.1.0", "9" * 5000).encode()],
    ids=["no UTF-8", "deep", "long", "no tables", "no table", "a list", "a long number", "a long key",
         "deep in a line", "a long version"],
)  # fmt: skip
def test_what_is_no_lock_at_all_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refusal(lock(tmp_path, data)).message.startswith(f"{tmp_path}/plugins.lock")


def test_a_pipe_or_a_folder_in_its_place_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "plugins.lock")
    assert refusal(tmp_path).message == f"{tmp_path}/plugins.lock is no file"
    (tmp_path / "plugins.lock").unlink()
    (tmp_path / "plugins.lock").mkdir()
    assert refusal(tmp_path).message == f"{tmp_path}/plugins.lock is no file"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(),
        st.text(alphabet='[]plugins.lock"\'=\n\\-1 {}').map(str.encode),
        st.tuples(st.sampled_from(TEXT.splitlines()), st.text()).map(lambda p: TEXT.replace(*p).encode()),
    )
)
def test_whatever_stands_there_is_entries_or_a_refusal(tmp_path: Path, data: bytes) -> None:
    try:
        entries = read(lock(tmp_path, data))
    except LisppumpError as error:
        assert error.code == "bad-lock" and error.diagnostic()
    else:
        write(tmp_path, entries)
        assert read(tmp_path) == entries


@pytest.mark.parametrize("entry", [
    Entry("a b", "1"), Entry("a", "?"), Entry("a", "1", "-e"), Entry("a", "1", "a\udcff"),
    Entry("a", "1", "a\nb"), Entry("lisppump", "1"),
])  # fmt: skip
def test_it_writes_nothing_that_it_would_not_read(tmp_path: Path, entry: Entry) -> None:
    write(tmp_path, [TIDES])
    with pytest.raises(LisppumpError) as caught:
        write(tmp_path, [TIDES, entry])
    assert caught.value.code == "bad-lock"
    assert read(tmp_path) == (TIDES,)


@pytest.mark.parametrize("step", ["open", "write", "sync", "rename"])
def test_a_failure_leaves_the_lock_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write(tmp_path, [TIDES])

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Disk, step, full)
        with pytest.raises(LisppumpError) as caught:
            write(tmp_path, [MOON])
    assert (caught.value.code, caught.value.exit_code) == ("disk", 5)
    assert read(tmp_path) == (TIDES,)
    write(tmp_path, [MOON])  # over what the failure left
    assert os.listdir(tmp_path) == ["plugins.lock"]


def test_a_kill_leaves_the_lock_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, [TIDES])
    code = (
        "import os, sys; from pathlib import Path; from lisppump import lockfile; "
        "os.replace = lambda *_: os.kill(os.getpid(), 9); lockfile.write(Path(sys.argv[1]), [])"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert read(tmp_path) == (TIDES,)
    assert sorted(os.listdir(tmp_path)) == [".plugins.lock.new", "plugins.lock"]
    write(tmp_path, [MOON])
    assert (os.listdir(tmp_path), read(tmp_path)) == (["plugins.lock"], (MOON,))


def test_it_is_not_written_through_a_link(tmp_path: Path) -> None:
    world, victim = tmp_path / "world", tmp_path / "victim"
    world.mkdir()
    victim.write_text("mine")
    (world / ".plugins.lock.new").symlink_to(victim)
    (world / "plugins.lock").symlink_to(victim)
    write(world, [TIDES])
    assert victim.read_text() == "mine"
    assert read(world) == (TIDES,)


def test_compare_says_what_is_missing_and_what_has_another_version() -> None:
    entries = (WHEEL, MOON, TIDES)
    assert compare(entries, {}) == Difference(missing=entries)
    there = {"lisppump-moon": "2.0.0", "lisppump-tides": "0.2", "other": "1"}
    difference = compare(entries, there)
    assert difference == Difference((WHEEL,), ((TIDES, "0.2"),)) and difference
    assert not compare(entries[1:2], there)


def test_installed_asks_the_environment(tmp_path: Path) -> None:
    here = Entry("packaging", "1", "../packaging", editable=True)
    there = Entry("click", "1", ".", editable=True)
    entries = [Entry("pluggy", "1"), Entry("no-such-distribution-anywhere", "1"), here, there]
    found = installed(entries, tmp_path)  # what is used in place is there if its place is
    assert set(found) == {"pluggy", "click"} and found["click"]


def test_who_changes_the_lock_waits_for_others(tmp_path: Path) -> None:
    waits = threading.Event()
    write(tmp_path, [])

    def second() -> None:
        with changing(tmp_path, waits.set):
            write(tmp_path, [*read(tmp_path), MOON])

    thread = threading.Thread(target=second)
    with changing(tmp_path, lambda: pytest.fail("nobody else is there")):
        before = read(tmp_path)
        thread.start()
        assert waits.wait(60)
        write(tmp_path, [*before, TIDES])
    thread.join(60)
    assert read(tmp_path) == (MOON, TIDES)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LisppumpError) as caught, changing(tmp_path / "none", lambda: None):
        pass
    assert caught.value.code == "disk"
