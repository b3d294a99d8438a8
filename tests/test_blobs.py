"""Blobs by beginnings of their digests: found, ambiguous, absent, damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lisppump.blobs import blob
from lisppump.errors import LisppumpError
from lisppump.keep import FOLDER, Keep


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    (tmp_path / FOLDER).mkdir()
    return Keep.open(tmp_path / FOLDER, write=True)


def test_a_beginning_of_eight_digits_is_enough(tmp_path: Path, keep: Keep) -> None:
    digest, (snap,) = keep.blob(b"\x00raw"), keep.snap([b"snap"])
    assert blob(tmp_path, digest) == blob(tmp_path, digest[7:15]) == (digest, b"\x00raw")
    assert blob(tmp_path, snap[:15]) == (snap, b"snap")


@pytest.mark.parametrize("digest", ["1234567", "sha256:", "../../etc", "0" * 65, "zzzzzzzzz"])
def test_what_is_no_digest_says_what_one_is(tmp_path: Path, keep: Keep, digest: str) -> None:
    with pytest.raises(LisppumpError, match="is no digest") as caught:
        blob(tmp_path, digest)
    assert caught.value.code == "no-such-blob"


def test_a_digest_of_nothing_and_one_of_two_things(tmp_path: Path, keep: Keep) -> None:
    digest = keep.blob(b"one")
    with pytest.raises(LisppumpError, match="nothing is kept under 00000000"):
        blob(tmp_path, "00000000")
    twin = keep.blob_path(digest[:20] + "0" * 51)
    twin.write_bytes(b"two")
    with pytest.raises(LisppumpError, match=" or ") as caught:
        blob(tmp_path, digest[:16])
    assert caught.value.help == "write more digits"
    assert blob(tmp_path, digest)[1] == b"one"


def test_bytes_that_changed_are_not_given_out(tmp_path: Path, keep: Keep) -> None:
    digest = keep.blob(b"one")
    keep.blob_path(digest).write_bytes(b"two")
    with pytest.raises(LisppumpError) as caught:
        blob(tmp_path, digest)
    assert caught.value.code == "damaged"
    assert digest == "sha256:" + hashlib.sha256(b"one").hexdigest()
