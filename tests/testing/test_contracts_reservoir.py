"""The contract check of reservoirs: what keeps it passes, each way of breaking it is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lisppump.disk import StateError
from lisppump.documents import encode, encode_lines, is_log, parse
from lisppump.errors import LisppumpError
from lisppump.files import Files
from lisppump.testing import Failing, check_reservoir


class Shelf:
    """A reservoir of another make: a table of bytes and a number that counts changes."""

    def __init__(self, path: Path) -> None:
        self._table = sqlite3.connect(path, isolation_level=None)
        columns = "name text primary key, data blob, mark integer"
        self._table.execute(f"create table if not exists shelf ({columns})")

    def names(self) -> list[str]:
        return [name for (name,) in self._table.execute("select name from shelf order by name")]

    def _row(self, name: str) -> tuple[bytes, int] | None:
        found = self._table.execute("select data, mark from shelf where name = ?", (name,)).fetchone()
        return found  # type: ignore[no-any-return]

    def read(self, name: str) -> Any:
        row = self._row(name)
        if row is None:
            raise StateError("bad-document", f"there is no {name} on the shelf")
        return parse(name, row[0], name)

    def _put(self, name: str, data: bytes) -> None:
        (mark,) = self._table.execute("select coalesce(max(mark), 0) + 1 from shelf").fetchone()
        self._table.execute("insert or replace into shelf values (?, ?, ?)", (name, data, mark))

    def write(self, name: str, value: Any) -> None:
        self._put(name, encode(name, value))

    def append(self, name: str, items: Sequence[Any]) -> None:
        row = self._row(name)
        more = encode_lines(items) if is_log(name) else "".join(items).encode()
        self._put(name, (row[0] if row else b"") + more)

    def delete(self, name: str) -> None:
        self._table.execute("delete from shelf where name = ?", (name,))

    def fingerprint(self, name: str) -> tuple[int, ...] | None:
        row = self._row(name)
        return None if row is None else (row[1],)


def test_reservoirs_that_keep_the_contract_pass(tmp_path: Path) -> None:
    check_reservoir(Files(tmp_path / "state"), lambda: Files(tmp_path / "state"))
    check_reservoir(Files(tmp_path / "state"))  # which is empty again
    check_reservoir(Shelf(tmp_path / "shelf"), lambda: Shelf(tmp_path / "shelf"))


def texts(name: str, value: Any) -> Any:
    return json.loads(json.dumps(value), parse_int=str) if name == "stats.json" else value


@pytest.mark.parametrize(
    ("method", "wrong", "said"),
    [
        ("names", lambda inner: None, "should give names as a list of texts; it gave None"),
        ("names", lambda inner: ["a.json", *inner()], "should be empty now; it has a.json"),
        ("names", lambda inner: inner()[::-1], "sorted; it names"),
        ("names", lambda inner: [*inner(), *inner()[:1]], "sorted; it names"),
        ("names", lambda inner: [name for name in inner() if "/" not in name], "should name deep/er/"),
        ("read", lambda inner, name: inner(name) if "." not in name else None, "a StateError for nothing"),
        ("read", lambda inner, name: {}[name], "raise a StateError when it is asked for what"),
        ("delete", lambda inner, name: {}[name], "should delete nothing.json; it raised KeyError"),
        ("fingerprint", lambda inner, name: (1,), "a fingerprint of nothing.json, which is not there"),
        ("fingerprint", lambda inner, name: None, "has no fingerprint of stats.json, which was written"),
        ("fingerprint", lambda inner, name: inner(name) and [*inner(name)], "whole numbers in a tuple"),
        ("fingerprint", lambda inner, name: inner(name) and ("x",), "whole numbers in a tuple"),
        ("fingerprint", lambda inner, name: inner(name) and (1,), "another fingerprint to stats.json"),
        ("write", lambda inner, name, value: None, "has no fingerprint of stats.json"),
        ("write", lambda inner, name, value: inner(name, value or {}), "should read list.json as it was"),
        ("write", lambda inner, name, value: {}[name], "should write stats.json; it raised KeyError"),
        ("write", lambda inner, name, value: inner(name, texts(name, value)), "should read stats.json as it"),
        ("append", lambda inner, name, items: None, "should read log.jsonl as it was written"),
        ("append", lambda inner, name, items: inner(name, items[:1]), "should read log.jsonl as it was"),
        ("append", lambda inner, name, items: inner(name, [*items][::-1]), "as it was written"),
        ("delete", lambda inner, name: None, "should not name deep/er/é ö.txt, which was deleted"),
    ],
)  # fmt: skip
def test_a_reservoir_that_breaks_its_contract_is_found(
    tmp_path: Path, method: str, wrong: Any, said: str
) -> None:
    reservoir = Shelf(tmp_path / "shelf")
    inner = getattr(reservoir, method)
    setattr(reservoir, method, lambda *args: wrong(inner, *args))
    with pytest.raises(LisppumpError) as caught:
        check_reservoir(reservoir)
    assert caught.value.code == "contract"
    assert caught.value.message.startswith("reservoir `Shelf` ")
    assert said in caught.value.message


def test_a_reservoir_whose_fingerprints_come_by_chance_is_found(tmp_path: Path) -> None:
    reservoir = Shelf(tmp_path / "shelf")
    turn = iter(range(1000))
    inner = reservoir.fingerprint
    reservoir.fingerprint = lambda name: inner(name) and (next(turn),)  # type: ignore[method-assign]
    with pytest.raises(LisppumpError, match="another fingerprint, though nobody touched it"):
        check_reservoir(reservoir)


def test_a_reservoir_whose_fingerprint_is_that_of_all_is_found(tmp_path: Path) -> None:
    reservoir = Shelf(tmp_path / "shelf")
    inner = reservoir.fingerprint

    def common(name: str) -> tuple[int, ...] | None:
        (newest,) = reservoir._table.execute("select max(mark) from shelf").fetchone()
        return inner(name) and (newest,)

    reservoir.fingerprint = common  # type: ignore[method-assign]
    with pytest.raises(LisppumpError, match="another fingerprint, though nobody touched it"):
        check_reservoir(reservoir)


def test_a_reservoir_that_appends_unseen_is_found(tmp_path: Path) -> None:
    reservoir = Shelf(tmp_path / "shelf")
    inner = reservoir.append

    def unseen(name: str, items: Sequence[Any]) -> None:
        mark = reservoir.fingerprint(name)
        inner(name, items)
        if mark is not None:
            reservoir._table.execute("update shelf set mark = ? where name = ?", (*mark, name))

    reservoir.append = unseen  # type: ignore[method-assign]
    with pytest.raises(LisppumpError, match=r"fingerprint to log.jsonl, to which was appended"):
        check_reservoir(reservoir)


class Heap(Shelf):
    """A reservoir that keeps JSON documents as the objects that it was given."""

    def __init__(self, path: Path, *, takes: bool, gives: bool) -> None:
        super().__init__(path)
        self.held: dict[str, Any] = {}
        self.takes = takes
        self.gives = gives

    def write(self, name: str, value: Any) -> None:
        super().write(name, value)
        if name.endswith(".json"):
            self.held[name] = value if self.takes else super().read(name)

    def read(self, name: str) -> Any:
        if name not in self.held:
            return super().read(name)
        return self.held[name] if self.gives else json.loads(json.dumps(self.held[name]))

    def delete(self, name: str) -> None:
        super().delete(name)
        self.held.pop(name, None)


def test_a_reservoir_that_shares_its_values_is_found(tmp_path: Path) -> None:
    check_reservoir(Heap(tmp_path / "0", takes=False, gives=False))
    with pytest.raises(LisppumpError, match="changed with the value that was handed over"):
        check_reservoir(Heap(tmp_path / "1", takes=True, gives=False))
    with pytest.raises(LisppumpError, match="changed with the value that it handed out"):
        check_reservoir(Heap(tmp_path / "2", takes=False, gives=True))


def test_a_reservoir_that_is_empty_after_a_stop_is_found(tmp_path: Path) -> None:
    again = iter(range(10))
    with pytest.raises(LisppumpError, match="`Shelf`, opened again, should name"):
        check_reservoir(Shelf(tmp_path / "a"), lambda: Shelf(tmp_path / f"again-{next(again)}"))


def test_a_reservoir_that_does_not_see_what_another_wrote_is_found(tmp_path: Path) -> None:
    with pytest.raises(LisppumpError, match=r"should read stats.json .*, \{'by': 'the other'\}"):
        check_reservoir(Heap(tmp_path / "a", takes=False, gives=False), lambda: Shelf(tmp_path / "a"))


def test_what_it_refuses_is_a_breach_and_what_it_calls_damaged_is_none(tmp_path: Path) -> None:
    refusing = Failing(Shelf(tmp_path / "a"), {("write", 2): StateError("disk", "no room")})
    with pytest.raises(LisppumpError, match=r"refused to write list.json: no room") as caught:
        check_reservoir(refusing)
    assert caught.value.code == "contract"


def test_a_reservoir_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    files = Files(tmp_path / "state")
    files.write("mine.json", 1)
    with pytest.raises(LisppumpError, match="should be empty now; it has mine"):
        check_reservoir(files)
    assert files.read("mine.json") == 1
