"""Trust in a folder: by place and content; kept, taken back, damaged, and given by several at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lisppump import config, trust
from lisppump.errors import LisppumpError
from tests.cli_support import ROOT

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "config.toml"
    monkeypatch.setenv("LISPPUMP_CONFIG", str(place))
    return place


def test_nobody_is_trusted_before_a_yes(tmp_path: Path) -> None:
    assert not trust.is_trusted(tmp_path, ONE)
    assert trust.trusted() == {}
    assert not trust.distrust(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_yes_is_for_one_folder_with_one_content(tmp_path: Path, file: Path) -> None:
    trust.trust(tmp_path / "a", ONE)
    assert trust.is_trusted(tmp_path / "a", ONE)
    assert not trust.is_trusted(tmp_path / "a", TWO)
    assert not trust.is_trusted(tmp_path / "b", ONE)
    assert not trust.is_trusted(tmp_path, ONE)
    assert not trust.is_trusted(tmp_path / "a" / "c", ONE)
    assert tomllib.loads(file.read_text()) == {"trusted": {str(tmp_path / "a"): ONE}}
    trust.trust(tmp_path / "a", TWO)
    assert trust.trusted() == {str(tmp_path / "a"): TWO}


def test_a_folder_is_known_by_where_it_really_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    trust.trust(tmp_path / "link", ONE)
    assert trust.trusted() == {str(tmp_path / "real"): ONE}
    monkeypatch.chdir(tmp_path / "real")
    assert trust.is_trusted(Path(), ONE)
    (tmp_path / "link").unlink()
    (tmp_path / "link").mkdir()  # the name now means another folder
    assert not trust.is_trusted(tmp_path / "link", ONE)


def test_it_is_taken_back_and_all_else_stays(tmp_path: Path) -> None:
    config.change(lambda data: data.update(other={"a": 1}))
    trust.trust(tmp_path / "a", ONE)
    trust.trust(tmp_path / "b", TWO)
    assert trust.distrust(tmp_path / "a")
    assert not trust.distrust(tmp_path / "a")
    assert config.load() == {"other": {"a": 1}, "trusted": {str(tmp_path / "b"): TWO}}


@pytest.mark.parametrize("name", ["w ö.r'l\"d", "a\nb", "\x01\x7f", "[trusted]", "#", "a = 1", "\N{SNOWMAN}"])
def test_every_name_of_a_folder_is_kept(tmp_path: Path, name: str) -> None:
    trust.trust(tmp_path / name, ONE)
    assert trust.is_trusted(tmp_path / name, ONE)
    assert list(trust.trusted()) == [str(tmp_path / name)]
    assert trust.distrust(tmp_path / name)


def test_a_name_that_is_no_unicode_is_refused(tmp_path: Path, file: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    assert not trust.is_trusted(folder, ONE)
    with pytest.raises(LisppumpError) as caught:
        trust.trust(folder, ONE)
    assert (caught.value.code, caught.value.exit_code) == ("untrustable-folder", 1)
    assert caught.value.message.endswith(r"\udcff cannot be kept in config.toml: its name is no UTF-8")
    assert caught.value.help == "rename it"
    assert not file.exists() and not trust.distrust(folder)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("trusted = true\n", 1),
        ("a = 1\ntrusted = ['/w']\n", 2),
        ("[trusted]\n'/w' = true\n", 2),
        ("[trusted]\n'/v' = '" + ONE + "'\n'/w' = 'yes'\n", 3),
        ("[trusted]\n'/w' = 'sha256:11'\n", 2),
        ("[trusted.'/w']\na = 1\n", 1),
    ],
)
def test_a_damaged_entry_trusts_nobody(tmp_path: Path, file: Path, text: str, line: int) -> None:
    file.write_text(text)
    for action in (
        lambda: trust.is_trusted(Path("/v"), ONE),
        trust.trusted,
        lambda: trust.trust(tmp_path, ONE),
        lambda: trust.distrust(tmp_path),
    ):
        with pytest.raises(LisppumpError) as caught:
            action()
        assert caught.value.code == "bad-config"
        assert caught.value.message.startswith(f"{file}:{line} ")
    assert file.read_text() == text


def test_two_who_trust_two_folders_at_once_both_stay(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom lisppump import trust\n"
        f"for n in range(20): trust.trust(Path(sys.argv[1]) / str(n), {ONE!r})"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / name)], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        for name in "ab"
    ]
    assert [process.wait() for process in processes] == [0, 0]
    assert trust.trusted() == {str(tmp_path / name / str(n)): ONE for name in "ab" for n in range(20)}
