"""Packing: whatever bytes a segment has, they come back, and no changed byte of a member goes unnoticed."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lisppump import canon, packing
from lisppump.packing import HEADER, block, chunks, header, members
from lisppump.records import chained, checked, decoded, encoded, lines_of, pack, payload_at

KINDS = st.sampled_from(["reply", "delta", "commit", "intent", "outcome"])
FIELDS = st.dictionaries(st.sampled_from(["frame", "text", "prev_", "x"]), st.text(max_size=30), max_size=3)


def journal(rows: list[tuple[str, dict[str, str]]]) -> bytes:
    lines, prev = [], ""
    for seq, (kind, fields) in enumerate(rows, 1):
        payload = encoded(kind, seq, prev, fields)
        lines.append(pack(payload))
        prev = chained(payload)
    return b"".join(lines)


@given(st.lists(st.tuples(KINDS, FIELDS), max_size=30))
def test_lines_that_are_written_together_are_those_of_each_record(
    rows: list[tuple[str, dict[str, str]]],
) -> None:
    data, lengths, last = lines_of(rows, 1, "")
    assert data == journal(rows) and sum(lengths) == len(data)
    assert lines_of([(kind, canon.Whole(fields)) for kind, fields in rows], 1, "")[0] == data
    offset, prev = 0, ""
    for seq, ((kind, fields), length) in enumerate(zip(rows, lengths, strict=True), 1):
        payload = payload_at(data, offset)
        assert payload == canon.line({**fields, "kind": kind, "seq": seq, "prev": prev})
        assert decoded(payload) is not None
        offset, prev = offset + length, chained(payload)
    assert prev == last


@given(rows=st.lists(st.tuples(KINDS, FIELDS), max_size=30), size=st.integers(1, 2000))
def test_what_is_packed_comes_back(rows: list[tuple[str, dict[str, str]]], size: int) -> None:
    data = journal(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "BLOCK", size)
        packed = list(members(data))
    found = list(chunks(b"".join(packed)))
    assert b"".join(chunk.data for chunk in found) == data and all(chunk.sound for chunk in found)
    assert all(chunk.data.endswith(b"\n") and checked(chunk.data) for chunk in found)
    assert [chunk.plain for chunk in found] == [
        sum(len(other.data) for other in found[:n]) for n in range(len(found))
    ]
    for member in packed:
        said = header(member[:HEADER], 0)
        assert said is not None and said.length == len(member)
        assert gzip.GzipFile(fileobj=io.BytesIO(member)).read()


@given(data=st.binary(max_size=400))
def test_bytes_that_are_no_records_come_back_too(data: bytes) -> None:
    assert b"".join(chunk.data for chunk in chunks(b"".join(members(data)))) == data


def test_a_line_that_only_looks_like_ours_is_left_alone() -> None:
    lines = journal([("reply", {"text": "a"}), ("reply", {"text": "b"})])
    wrong = lines.replace(b'"prev":"' + lines.splitlines()[1][-66:-2], b'"prev":"' + b"0" * 64)
    assert wrong != lines
    for data in (lines, wrong, wrong + lines, b'0000004d x ,"prev":""}\n' * 3):
        assert b"".join(chunk.data for chunk in chunks(b"".join(members(data)))) == data


def test_every_changed_bit_of_a_member_is_seen() -> None:
    member = b"".join(members(journal([("reply", {"text": "a" * 50}), ("commit", {"x": "b"})] * 3)))
    assert block(member) is not None
    for place in range(len(member)):
        for bit in range(8):
            data = bytearray(member)
            data[place] ^= 1 << bit
            assert block(bytes(data)) is None, (place, bit)
            assert [chunk.sound for chunk in chunks(bytes(data))] == [False], (place, bit)


def test_members_behind_a_broken_one_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "BLOCK", 300)
    data = journal([("reply", {"text": str(n)}) for n in range(30)])
    whole = list(members(data))
    assert len(whole) > 5
    for place in (0, 12, 20, HEADER - 1, HEADER + 5):
        broken = bytearray(whole[2])
        broken[place] ^= 255
        found = list(chunks(b"".join([*whole[:2], bytes(broken), *whole[3:]])))
        assert [chunk.sound for chunk in found] == [True, True, False, *[True] * (len(whole) - 3)]
        assert data.endswith(b"".join(chunk.data for chunk in found[3:]))
    found = list(chunks(b"".join([*whole[:2], *whole[3:]])))
    assert all(chunk.sound for chunk in found) and found[2].plain > len(found[0].data + found[1].data)
