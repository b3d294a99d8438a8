"""What tests share: where the real data lies, if it lies anywhere."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from lisppump import reservoir
from tests.distributions import Install, put
from tests.dropins_support import modules

# What nobody watches finds the same today as yesterday; `--hypothesis-profile=searching` goes elsewhere.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parent.parent


def data_folder() -> Path | None:
    """The folder of real data: LISPPUMP_TEST_DATA, or shared/data beside the checkout; else None."""
    named = os.environ.get("LISPPUMP_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if (folder / "rappterbook").is_dir() else None


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    folder = data_folder()
    if folder is None:
        pytest.skip("the real data is not here; set LISPPUMP_TEST_DATA to its folder")
    return folder


@pytest.fixture
def ram_path(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder in memory where there is one: what makes thousands of folders waits for no disk."""
    if not os.access("/dev/shm", os.W_OK | os.X_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="lisppump-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session", autouse=True)
def nobody_s_config(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test sees the config.toml of whoever runs it: it may trust folders, or be broken."""
    os.environ["LISPPUMP_CONFIG"] = str(tmp_path_factory.mktemp("config") / "config.toml")


@pytest.fixture(scope="session", autouse=True)
def segments_may_be_small() -> None:
    """Tests make the journal's segments as small as they want, even smaller than eight of their frames."""
    reservoir.FRAMES_AT_LEAST = 0


@pytest.fixture(autouse=True)
def each_frame_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The view is written for each frame, however quickly they come, but where a test is about that."""
    monkeypatch.setattr(reservoir, "OFTEN", 0.0)
    monkeypatch.setattr(reservoir, "SELDOM", 0.0)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts distributions with one module and one entry point, version 1.2, on the path of this process."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def done(name: str, entry: str, code: str) -> Path:
        file = put(site, name, "1.2", code, entry=entry)
        monkeypatch.delitem(sys.modules, file.stem, raising=False)
        return file

    return done


@pytest.fixture
def no_dropin_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees another's modules, nor the trust of whoever runs the tests."""
    monkeypatch.setenv("LISPPUMP_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for name in modules():
        del sys.modules[name]
    yield
    for name in modules():
        del sys.modules[name]
