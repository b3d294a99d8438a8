"""The built-in reservoir: names, suffixes, located errors, atomic writes, links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lisppump.disk import StateError
from lisppump.documents import LogDigest, appended, digest, encode, entry, parse
from lisppump.files import Files
from lisppump.lispy.values import elements
from tests.faults import FaultyDisk


def put(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "state").mkdir()
    return Files(tmp_path / "state")


def test_documents_are_known_by_suffix(files: Files) -> None:
    for name in (
        "a.json", "memory/b.md", "log.jsonl", "x/y/z.txt", "stream_deltas/frame-1.json", ".hidden.json",
        "x/.git/c.json", "picture.png", "x/stream_deltas/d.json",
    ):  # fmt: skip
        put(files.folder, name, b"1")
    assert files.names() == ["a.json", "log.jsonl", "memory/b.md", "x/stream_deltas/d.json", "x/y/z.txt"]
    assert Files(files.folder.parent / "absent").names() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a.json", {"b": [1, 2.5, None], "a": "é\n"}),
        ("deep/er/a.json", [1]),
        ("log.jsonl", [{"id": 1}, {"id": 2}]),
        ("empty.jsonl", []),
        ("memory/ada.md", "# Ada\r\n\n- one\r no newline at the end"),
        ("line\nbreak.md", "text"),
        ("n" * 251 + ".md", "a name of 254 bytes"),
        ("n" * 249 + ".json", 1),
    ],
)
def test_what_is_written_is_read(files: Files, name: str, value: Any) -> None:
    files.write(name, value)
    back = files.read(name)
    assert (elements(back) if name.endswith(".jsonl") else back) == value
    assert files.names() == [name]
    assert os.listdir(files.temporary) == []
    assert files.fingerprint(name) is not None
    files.delete(name)
    assert files.names() == []
    assert files.fingerprint(name) is None
    files.delete(name)


def test_appending_adds_lines_and_text(files: Files) -> None:
    files.append("log.jsonl", [{"id": 1}])
    files.append("log.jsonl", [{"id": 2}, 3])
    put(files.folder, "hand.jsonl", b'{"id": 1}')
    files.append("hand.jsonl", [2])
    files.append("m.md", ["one\n"])
    files.append("m.md", ["two\n", "three"])
    assert (files.folder / "log.jsonl").read_bytes() == b'{"id":1}\n{"id":2}\n3\n'
    assert elements(files.read("hand.jsonl")) == [{"id": 1}, 2]
    assert files.read("m.md") == "one\ntwo\nthree"


@pytest.mark.parametrize(
    "name",
    [
        "../a.json",
        "/etc/a.json",
        "x/../../a.json",
        "",
        ".a.json",
        "x//a.json",
        "stream_deltas/a.json",
        "a.png",
    ],
)
def test_names_never_lead_out_of_the_folder(files: Files, name: str) -> None:
    for action in (files.read, files.fingerprint, files.delete, lambda n: files.write(n, 1)):
        with pytest.raises(StateError) as caught:
            action(name)
        assert (caught.value.code, caught.value.exit_code) == ("bad-document", 5)


def test_links_out_of_the_folder_are_refused(files: Files, tmp_path: Path) -> None:
    put(tmp_path, "outside/secret.json", b"1")
    (files.folder / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(StateError, match="link out of"):
        files.names()
    with pytest.raises(StateError, match="link out of"):
        files.read("link/secret.json")
    (files.folder / "link").unlink()
    (files.folder / "a.json").symlink_to(tmp_path / "outside" / "secret.json")
    with pytest.raises(StateError, match="link out of"):
        files.read("a.json")
    (files.folder / "a.json").unlink()
    put(files.folder, "b.json", b"2")
    (files.folder / "c.json").symlink_to(files.folder / "b.json")
    assert files.names() == ["b.json", "c.json"]


@pytest.mark.parametrize(
    ("name", "data", "line", "column", "word"),
    [
        ("a.json", b'{"a":\n tru}', 2, 2, "JSON"),
        ("a.json", b'{"a":\n "\xff"}', 2, 3, "UTF-8"),
        ("m.md", b"one\ntw\xff", 2, 3, "UTF-8"),
        ("l.jsonl", b'{"a":1}\n{"a" 1}\n', 2, 6, "line 2"),
        ("l.jsonl", b'{"a":1}\n{"a":', 2, 6, "line 2: its last line is cut off"),
    ],
)
def test_a_bad_document_is_an_error_with_a_place(
    files: Files, name: str, data: bytes, line: int, column: int, word: str
) -> None:
    put(files.folder, name, data)
    with pytest.raises(StateError, match=word) as caught:
        files.read(name)
    span = caught.value.span
    assert caught.value.code == "bad-document"
    assert span is not None
    assert (span.file, span.line) == (f"state/{name}", line)
    assert abs(span.column - column) <= 1
    assert (files.folder / name).read_bytes() == data


def test_a_full_disk_leaves_documents_as_they_were(tmp_path: Path) -> None:
    disk = FaultyDisk()
    files = Files(tmp_path / "state", disk=disk)
    files.write("a.json", {"old": 1})
    files.write("l.jsonl", [1])
    disk.full = 3
    for action in (lambda: files.write("a.json", {"new": 2}), lambda: files.append("l.jsonl", [{"x": "y"}])):
        disk.full = 3
        with pytest.raises(StateError, match="no space") as caught:
            action()
        assert caught.value.code == "disk"
    disk.full = None
    assert files.read("a.json") == {"old": 1}
    assert elements(files.read("l.jsonl")) == [1]


def test_a_name_that_is_not_utf8_is_said(files: Files) -> None:
    with open(os.fsencode(str(files.folder)) + b"/\xff.json", "wb") as file:
        file.write(b"1")
    with pytest.raises(StateError, match="not UTF-8"):
        files.names()


def test_a_log_is_hashed_as_it_grows() -> None:
    items = [{"b": 1, "a": 2}, "x", [1.5]]
    assert LogDigest().extended(items[:1]).extended(items[1:]).entry() == entry("l.jsonl", items)
    one = parse("l.jsonl", encode("l.jsonl", items), "l")
    assert digest("l.jsonl", one) == digest("l.jsonl", items)
    assert appended([], one) == items
    assert appended(one, [*items, 4]) is None
