"""The contract check for reservoirs: what was written is read, and only that. It looks at no file itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lisppump import canon
from lisppump.disk import StateError
from lisppump.documents import digest
from lisppump.errors import LisppumpError
from lisppump.lispy.values import elements, is_list
from lisppump.testing.breach import asked, breach, require, shaped

STATS, LOG, DIARY = "stats.json", "log.jsonl", "memory/ann.md"
VALUES: dict[str, Any] = {  # of each kind of document, some that are easily kept in another form
    "stats.json": {"b": [1, 2.5, None, True], "a": {"é": "☃", "big": 2**80}},
    "list.json": [],
    "null.json": None,
    "log.jsonl": [{"n": 1}, "two", 3, None],
    "empty.jsonl": [],
    "memory/ann.md": "one\r\n\ntwo",
    "deep/er/é ö.txt": "",
}


def check_reservoir(reservoir: Any, again: Callable[[], Any] | None = None) -> None:
    """Hold a reservoir, empty at first, to its contract: what was written is read, and only that.

    `again` makes another one of the same place: the loop opens it anew to write, and after every stop. The
    reservoir is left empty.
    """
    whose = shaped("reservoir", reservoir)
    check = _Check(whose, reservoir)
    check.names([])
    check.absent("nothing.json")
    for name, value in VALUES.items():
        check.written(name, value)
    check.names(sorted(VALUES))
    check.rewritten()
    check.appended()
    check.apart()
    if again is not None:
        check.kept(again)
    for name in check.ask("names"):
        check.deleted(name)
    check.names([])


@dataclass
class _Check:
    """One check of one reservoir."""

    whose: str
    reservoir: Any

    def ask(self, method: str, *arguments: Any) -> Any:
        """What a method gives; the reservoir may refuse nothing of what it is asked here."""
        try:
            with asked(self.whose, " ".join([method, *arguments[:1]])):
                return getattr(self.reservoir, method)(*arguments)
        except LisppumpError as error:
            if error.code == "contract":
                raise
            raise breach(f"{self.whose} refused to {method} {arguments[0]}: {error.message}") from error

    def names(self, wanted: list[str]) -> None:
        names = self.ask("names")
        listed = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
        require(listed, f"{self.whose} should give names as a list of texts; it gave {names!r}")
        if not wanted:
            require(not names, f"{self.whose} should be empty now; it has {', '.join(names)}")
        told = f"{self.whose} should name {', '.join(wanted)}, sorted; it names {', '.join(names)}"
        require(list(names) == wanted, told)

    def absent(self, name: str) -> None:
        require(self.mark(name) is None, f"{self.whose} has a fingerprint of {name}, which is not there")
        try:
            with asked(self.whose, "raise a StateError when it is asked for what is not there"):
                value = self.reservoir.read(name)
        except StateError:
            pass
        else:
            told = f"{self.whose} should raise a StateError for {name}, which is not there; it gave {value!r}"
            raise breach(told)
        self.ask("delete", name)  # somebody may have removed it by hand

    def reads(self, name: str, wanted: Any) -> None:
        value = self.ask("read", name)
        try:
            same = digest(name, value) == digest(name, wanted)
        except LisppumpError:
            same = False
        shown = elements(value) if is_list(value) and value is not None else value
        told = f"{self.whose} should read {name} as it was written, {wanted!r}; it gave {shown!r}"
        require(same, told)

    def mark(self, name: str) -> tuple[int, ...] | None:
        mark = self.ask("fingerprint", name)
        if mark is None:
            return None
        # The index keeps it as JSON and compares it with what is said after the next start.
        whole = isinstance(mark, tuple) and all(part.__class__ is int for part in mark)
        require(whole, f"{self.whose} should give whole numbers in a tuple as fingerprint; it gave {mark!r}")
        return mark  # type: ignore[no-any-return]

    def written(self, name: str, value: Any) -> None:
        self.ask("write", name, value)
        mark = self.mark(name)
        require(mark is not None, f"{self.whose} has no fingerprint of {name}, which was written")
        self.reads(name, value)
        same = self.mark(name) == mark
        require(same, f"{self.whose} gave {name} another fingerprint, though nobody touched it")

    def rewritten(self) -> None:
        marks = {name: self.mark(name) for name in VALUES}
        old = marks.pop(STATS)
        for number in (2, 3):  # of one length
            self.written(STATS, {"a": number})
            new = self.mark(STATS)
            require(new != old, f"{self.whose} should give another fingerprint to {STATS}, written anew")
            old = new
        for name, mark in marks.items():
            untouched = self.mark(name) == mark
            require(untouched, f"{self.whose} gave {name} another fingerprint, though nobody touched it")
            self.reads(name, VALUES[name])

    def appended(self) -> None:
        for name, more, after in (
            (LOG, [{"n": 2}, [3]], [*VALUES[LOG], {"n": 2}, [3]]),
            (LOG, [{"n": 4}], [*VALUES[LOG], {"n": 2}, [3], {"n": 4}]),
            ("empty.jsonl", ["first"], ["first"]),
            ("fresh.jsonl", [1, 2], [1, 2]),
            (DIARY, ["\nthree", "\n"], f"{VALUES[DIARY]}\nthree\n"),
            ("fresh.md", ["é"], "é"),
        ):
            mark = self.mark(name)
            self.ask("append", name, more)
            self.reads(name, after)
            touched = self.mark(name) != mark
            require(touched, f"{self.whose} should give another fingerprint to {name}, to which was appended")

    def apart(self) -> None:
        """A value that was handed over, or handed out, belongs to somebody else."""
        value: dict[str, Any] = {"a": [1]}
        self.ask("write", STATS, value)
        value["a"].append(2)
        told = f"{self.whose} should keep what was written; it changed with the value that was handed over"
        require(self._is(STATS, {"a": [1]}), told)
        self.ask("read", STATS)["a"].append(2)
        told = f"{self.whose} should keep what was written; it changed with the value that it handed out"
        require(self._is(STATS, {"a": [1]}), told)

    def _is(self, name: str, value: Any) -> bool:
        return canon.canonical(self.ask("read", name)) == canon.canonical(value)

    def kept(self, again: Callable[[], Any]) -> None:
        marks = {name: self.mark(name) for name in self.ask("names")}
        other = _Check(f"{self.whose}, opened again,", again())
        other.names(sorted(marks))
        for name, mark in marks.items():
            other.reads(name, self.ask("read", name))
            told = f"{other.whose} gives {name} another fingerprint, though nobody touched it"
            require(other.mark(name) == mark, told)
        other.written(STATS, {"by": "the other"})
        self.reads(STATS, {"by": "the other"})

    def deleted(self, name: str) -> None:
        self.ask("delete", name)
        require(name not in self.ask("names"), f"{self.whose} should not name {name}, which was deleted")
        self.absent(name)
