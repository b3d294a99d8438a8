"""What is lost for good is said as such, and nothing is written over what is left of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.reservoir import Store
from tests.test_rewind import documents, files, world


@pytest.fixture
def five(tmp_path: Path) -> Path:
    world(tmp_path / "five")[0].run(5)
    return tmp_path / "five"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_frame_that_cannot_be_rebuilt_is_not_gone_back_to(five: Path, dry_run: bool) -> None:
    shutil.rmtree(five / ".lisppump" / "blobs")
    with world(five)[0].open() as pump:
        before, shown = documents(pump), files(five)
        for go_back in (lambda: pump.rollback(2, dry_run=dry_run), lambda: pump.undo(dry_run=dry_run)):
            with pytest.raises(LisppumpError, match=r"frame [24] cannot be rebuilt, and nothing") as found:
                go_back()
            assert found.value.code == "damaged"
    with world(five)[0].open() as pump:
        assert (pump.head.number, documents(pump), files(five)) == (5, before, shown)


def test_what_the_journal_cannot_give_is_taken_from_its_file(five: Path) -> None:
    shutil.rmtree(five / ".lisppump" / "blobs")
    (five / ".lisppump" / "index").unlink()
    shown = files(five)
    with Store.open(five, Files(five / "state"), write=True) as store:
        assert store.head is not None and store.head.number == 5
        for name, value in store.head.documents.items():
            assert digest(name, value) == store.head.digests[name]
    assert files(five) == shown
