"""What tests share: where the real data lies, if it lies anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
