"""The user's config.toml: found, read, changed by several at once, refused with its place when damaged."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lisppump import config
from lisppump.errors import LisppumpError
from tests.cli_support import ROOT
from tests.faults import Crash, FaultyDisk


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings of these tests lie; nothing is there yet."""
    place = tmp_path / "settings" / "config.toml"
    monkeypatch.setenv("LISPPUMP_CONFIG", str(place))
    return place


def put(name: str, value: Any) -> None:
    config.change(lambda data: data.update({name: value}))


def refusal(action: Any = config.load) -> LisppumpError:
    with pytest.raises(LisppumpError) as caught:
        action()
    error = caught.value
    assert (error.code, error.category, error.exit_code) == ("bad-config", "usage", 1)
    assert error.help
    return error


def test_it_lies_where_the_system_keeps_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISPPUMP_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert config.path().is_relative_to(tmp_path)
    assert config.path().parts[-2:] == ("lisppump", "config.toml")
    if sys.platform == "linux":
        assert config.path() == tmp_path / ".config" / "lisppump" / "config.toml"
    monkeypatch.setenv("LISPPUMP_CONFIG", "")
    assert config.path().is_relative_to(tmp_path)
    monkeypatch.setenv("LISPPUMP_CONFIG", "/etc/mine.toml")
    assert config.path() == Path("/etc/mine.toml")


def test_where_there_is_none_nothing_is_set_and_looking_makes_none(file: Path) -> None:
    assert config.load() == {}
    assert not file.parent.exists()


def test_a_change_makes_it_for_its_user_alone(file: Path) -> None:
    old = os.umask(0)
    try:
        put("a", 1)
    finally:
        os.umask(old)
    assert config.load() == {"a": 1}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_change_keeps_everything_else(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(
        'name = "ä\\u0000"  # a remark\nwhen = 2024-02-29\nnumbers = [1, 2.5, inf]\n'
        '["deep.er"."x y"]\nz = true\n[[rows]]\na = 1\n[[rows]]\n'
    )
    file.chmod(0o640)
    before = config.load()
    put("new", "said")
    assert config.load() == {**before, "new": "said"}
    assert config.load()["when"] == date(2024, 2, 29)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in file.parent.iterdir()) == [".config.toml.lock", "config.toml"]


def test_what_changes_nothing_writes_nothing(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("a = 1  # a remark\n")
    put("a", 1)
    assert file.read_text() == "a = 1  # a remark\n"
    put("a", True)  # equal, and another thing
    assert file.read_text() == "a = true\n"


def test_an_edit_that_fails_changes_nothing(file: Path) -> None:
    put("a", 1)

    def edit(data: dict[str, Any]) -> None:
        data["a"] = 2
        raise KeyError("thought better of it")

    with pytest.raises(KeyError):
        config.change(edit)
    assert config.load() == {"a": 1}


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(file: Path, tmp_path: Path, there: bool) -> None:
    real = tmp_path / "dotfiles" / "lisppump.toml"
    file.parent.mkdir()
    file.symlink_to("../dotfiles/lisppump.toml")
    if there:
        real.parent.mkdir()
        real.write_text("b = 2\n")
    put("a", 1)
    assert file.is_symlink() and os.readlink(file) == "../dotfiles/lisppump.toml"
    assert config.load() == ({"b": 2, "a": 1} if there else {"a": 1})
    assert not real.is_symlink()


def test_many_at_once_lose_nothing(file: Path, tmp_path: Path) -> None:
    """By way of a link, too: who comes through it takes the same lock."""
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    code = (
        "import sys\nfrom lisppump import config\n"
        "for n in range(20): config.change(lambda data: data.update({f'{sys.argv[1]}-{n}': n}))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(number)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "LISPPUMP_CONFIG": str(link if number % 2 else file)},
        )
        for number in range(4)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert config.load() == {f"{number}-{n}": n for number in range(4) for n in range(20)}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"a = 1\n\nb = = 2\n", 3, "invalid value"),
        (b"a = 1\nb = [1,\n", 2, "invalid value"),
        (b"a = 1\na = 2\n", 2, "cannot overwrite a value"),
        (b'a = 1\r\nb = "x\r\n', 2, "illegal"),
        (b"a = 1\nb = '\xff'\n", 2, "a byte that is not UTF-8"),
        (b"a = " + b"[" * 5000, 1, "too deeply nested"),
    ],
)
def test_a_damaged_one_is_refused_with_its_line_and_left_as_it_is(
    file: Path, text: bytes, line: int, words: str
) -> None:
    file.parent.mkdir()
    file.write_bytes(text)
    for error in (refusal(), refusal(lambda: put("a", 1))):
        assert error.message.startswith(f"{file}:{line} is no TOML: {words}")
        assert error.to_json()["line"] == line and error.to_json()["file"] == str(file)
        assert error.diagnostic()
    assert file.read_bytes() == text


def test_a_folder_in_its_place_is_refused(file: Path) -> None:
    file.mkdir(parents=True)
    assert refusal().message == f"{file} cannot be read: is a directory"
    assert refusal(lambda: put("a", 1)).message == f"{file} is no regular file and is not written"


def test_a_file_in_the_place_of_its_folder_is_refused(file: Path) -> None:
    file.parent.write_text("")
    assert "not a directory" in refusal().message
    assert refusal(lambda: put("a", 1)).message == f"{file} cannot be written: not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_one_that_may_not_be_read_or_written_is_refused(file: Path) -> None:
    put("a", 1)
    file.chmod(0)
    assert refusal().message == f"{file} cannot be read: permission denied"
    file.chmod(0o600)
    file.parent.chmod(0o500)
    try:
        assert refusal(lambda: put("b", 1)).message == f"{file} cannot be written: permission denied"
    finally:
        file.parent.chmod(0o700)
    assert config.load() == {"a": 1}


def test_links_in_a_circle_are_refused(file: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(file)
    assert "symbolic links" in refusal().message
    assert "symbolic links" in refusal(lambda: put("a", 1)).message


def test_a_device_is_read_and_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    monkeypatch.setenv("LISPPUMP_CONFIG", str(link))
    assert config.load() == {}
    before = os.listdir("/dev")
    assert refusal(lambda: put("a", 1)).message == f"{link} is no regular file and is not written"
    assert os.listdir("/dev") == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_what_never_ends_is_refused_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name, words in ((str(pipe), "is a pipe and is not read"), ("/dev/full", "holds more than 1,000,000")):
        monkeypatch.setenv("LISPPUMP_CONFIG", name)
        assert refusal().message.startswith(f"{name} {words}")


def test_a_name_that_is_no_unicode_can_be_spoken_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISPPUMP_CONFIG", os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    put("a", 1)
    assert config.load() == {"a": 1}
    config.path().write_text("?")
    refusal().message.encode()


def test_a_disk_without_room_leaves_it_as_it_was(file: Path) -> None:
    put("a", 1)
    disk = FaultyDisk()
    disk.full = 3
    error = refusal(lambda: config.change(lambda data: data.update(b="long" * 50), disk=disk))
    assert error.message == f"{file} cannot be written: full"
    assert config.load() == {"a": 1}
    assert sorted(path.name for path in file.parent.iterdir()) == [".config.toml.lock", "config.toml"]


def test_whenever_it_is_killed_it_is_the_old_or_the_new(file: Path) -> None:
    seen = []
    for stop in range(10):
        put("a", 1)
        disk = FaultyDisk(stop, torn=True)
        try:
            config.change(lambda data: data.update(a=2), disk=disk)
        except Crash:
            seen.append(config.load())
        else:
            assert disk.syncs == 1
            break
    assert [each["a"] for each in seen] == sorted(each["a"] for each in seen)
    assert seen[0] == {"a": 1} and seen[-1] == {"a": 2} == config.load()
    put("a", 3)  # what a killed one left is in nobody's way
    assert config.load() == {"a": 3}


def test_a_wrong_setting_is_named_with_its_line(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('a = 1\n"here" = 2\n')
    error = config.refuse("should say more", "here", "mend it")
    assert error.message == f"{file}:2 should say more"
    assert error.span is not None and error.span.column == 2
    assert config.refuse("should say more", "nowhere", "mend it").message == f"{file} should say more"
