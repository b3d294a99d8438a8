"""How items enter their places: one rule for each mode, collected as changes. It changes nothing itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from lisppump import canon
from lisppump.frame import Frame
from lisppump.lispy.errors import LispyError
from lisppump.merge_changes import Change
from lisppump.merge_entries import Entry, Place, Refused
from lisppump.merge_memo import Memo
from lisppump.merge_places import ABSENT, Places, is_number, member_of
from lisppump.schema import kind_of, plain


class Rules(Places):
    """The changes that a merge has come to so far."""

    def __init__(self, frame: Frame, memo: Memo) -> None:
        super().__init__(frame, memo)
        self.appends: dict[Place, list[Any]] = {}
        self.texts: dict[str, list[str]] = {}
        self.folds: dict[Place, list[tuple[Entry, Any]]] = {}
        self.unions: dict[Place, set[bytes]] = {}
        self.shapes: dict[str, Callable[..., Any]] = {}

    def put(self, entry: Entry) -> bool:
        """Take an item in by its rule, which may refuse it; False where the rule is asked at the end."""
        flow = entry.flow
        try:
            for place in entry.counters:
                if place not in self.adds:
                    self.hold(place, "a number")
            if flow.rule.into is None:
                return True
            item = entry.item if flow.number is None and flow.rule.shape is None else self._stored(entry)
            if flow.rule.mode == "function":
                self.folds.setdefault((entry.document, flow.path), []).append((entry, item))
                return False
            _MODES[flow.rule.mode](self, entry, item)
            return True
        except Refused:
            self.let_go()
            raise
        finally:
            self.keep_hold()

    def _stored(self, entry: Entry) -> dict[str, Any]:
        """The item as it will stand in the state: numbered, and shaped by the policy's function."""
        rule, item = entry.flow.rule, entry.item
        field = rule.number.field if rule.number is not None else None
        if field is not None and entry.number is not None:
            item = {field: entry.number, **{name: value for name, value in item.items() if name != field}}
        if rule.shape is None:
            return item  # type: ignore[no-any-return]
        if rule.name not in self.shapes:
            self.shapes[rule.name] = rule.shape.on(self.frame, seed=("as", rule.name))
        try:
            shaped = plain(self.shapes[rule.name](item, self.frame.view))
        except LispyError as error:
            raise Refused("rule-failed", f"could not be shaped: {error.message}") from None
        except ValueError as error:
            raise Refused("rule-failed", f"was shaped into something that is no JSON: {error}") from None
        if not isinstance(shaped, dict):
            raise Refused("rule-failed", f"should be shaped into an object, but it became {kind_of(shaped)}")
        if field is not None and entry.number is not None:
            shaped = {field: entry.number, **{name: value for name, value in shaped.items() if name != field}}
        return shaped

    def _append(self, entry: Entry, item: dict[str, Any]) -> None:
        if entry.document.endswith((".md", ".txt")):
            self._note(entry, item)
            return
        if "created_at" not in item:
            item = {**item, "created_at": entry.delta.utc}
        place = (entry.document, entry.flow.path)
        items = self.appends.get(place)
        if items is None:
            self.hold(place, "a list")
            items = self.appends[place] = []
        items.append(item)

    def _note(self, entry: Entry, item: dict[str, Any]) -> None:
        """A dated line of a Markdown document; further lines of the text are indented below it."""
        names = entry.flow.texts or sorted(item)
        texts = (item.get(name) for name in names if name != entry.flow.actor)
        text = next((text for text in texts if isinstance(text, str)), None)
        if text is None:
            text = canon.canonical(item).decode()
        self.hold((entry.document, ()), "a text")
        lines = self.texts.setdefault(entry.document, [])
        if not lines:
            before = self.at(entry.document, ())
            if before is not ABSENT and before and not before.endswith("\n"):
                lines.append("\n")
        indented = "\n".join(f"  {line}" if line else "" for line in text.strip().splitlines()).lstrip()
        lines.append(f"- **{entry.delta.utc}** {indented}\n")

    def _put(self, entry: Entry, item: dict[str, Any]) -> None:
        rule = entry.flow.rule
        field = rule.keys[0] if rule.keys else "id"
        key = member_of(entry.item.get(field), field)
        place = (entry.document, (*entry.flow.path, key))
        if self.at(*place) is not ABSENT:
            raise Refused(
                "exists", f"is new under the {field} {key}, but {' '.join((place[0], *place[1]))} exists"
            )
        self.write(place, item)

    def _last_writer(self, entry: Entry, item: dict[str, Any]) -> None:
        rule, path = entry.flow.rule, entry.flow.path
        whose = rule.keys[0] if rule.keys else rule.acting
        if whose is not None:
            path = (*path, member_of(entry.item.get(whose), whose))
        if entry.flow.pairs:
            self.check_place(entry.document, path, "an object")
            path = (*path, member_of(item.get("field"), "field"))
            self.write((entry.document, path), item.get("value"))
        else:
            self.write((entry.document, path), item)

    def _keyed(self, entry: Entry) -> tuple[Place, Any]:
        """The place of a counter-like rule, and the item's value for it."""
        *keys, field = entry.flow.rule.keys
        path = (*entry.flow.path, *(member_of(entry.item.get(key), key) for key in keys))
        return (entry.document, path), entry.item.get(field)

    def _sum(self, entry: Entry, item: dict[str, Any]) -> None:
        place, value = self._keyed(entry)
        if not is_number(value):
            field = entry.flow.rule.keys[-1]
            raise Refused("wrong-type", f"should add a number as `{field}`, but it is {kind_of(value)}")
        self.check_place(*place, "a number")
        if place not in self.adds:
            self.hold(place, "a number")
        try:
            total = self.adds.get(place, 0) + value
            there = self.at(*place)
            fits = math.isfinite(total + (there if is_number(there) else 0))
        except OverflowError:
            fits = False
        if not fits:
            raise Refused("wrong-type", "would make a sum that is not finite")
        self.adds[place] = total

    def _extreme(self, entry: Entry, item: dict[str, Any]) -> None:
        place, value = self._keyed(entry)
        if not (is_number(value) or isinstance(value, str)):
            field = entry.flow.rule.keys[-1]
            sentence = f"should compare a number or a text as `{field}`, but it is {kind_of(value)}"
            raise Refused("wrong-type", sentence)
        self.check_place(*place, "anything")
        there = self.at(*place)
        if there is ABSENT or there is None:
            self.write(place, value)
            return
        if isinstance(there, str) != isinstance(value, str) or not (
            is_number(there) or isinstance(there, str)
        ):
            raise Refused(
                "wrong-type", f"should be compared with what is there, but that is {kind_of(there)}"
            )
        if value > there if entry.flow.rule.mode == "max" else value < there:
            document, path = place
            covered = any((document, path[:depth]) in self.sets for depth in range(len(path)))
            self.write_over(place, value, last=covered)

    def _union(self, entry: Entry, item: dict[str, Any]) -> None:
        place, value = self._keyed(entry)
        self.check_place(*place, "a list")
        if place not in self.unions:
            self.hold(place, "a list")
            there = self.at(*place)
            standing = [] if there is ABSENT else there
            fold = self.memo.fold(("union", *place), standing, dict, _collect)
            self.unions[place] = set(fold)
        for one in value if isinstance(value, list) else [value]:
            key = canon.canonical(one)
            if one is not None and key not in self.unions[place]:
                self.unions[place].add(key)
                self.appends.setdefault(place, []).append(one)

    # the end

    def finish(self) -> Iterator[tuple[Entry, Refused | None]]:
        """Ask the policy's own rules: each folds the items of a place, in order, into what is there."""
        for place, entries in self.folds.items():
            there = self.at(*place)
            start = None if there is ABSENT else there
            value, outcome = self._fold(start, entries, strict=False)
            try:
                value = plain(value)
            except ValueError:
                value, outcome = self._fold(start, entries, strict=True)
            try:
                if any(refused is None for _, refused in outcome):
                    self.write(place, value)
            except Refused as unfit:
                outcome = [(entry, refused or unfit) for entry, refused in outcome]
            yield from outcome

    def _fold(
        self, value: Any, entries: list[tuple[Entry, Any]], *, strict: bool
    ) -> tuple[Any, list[tuple[Entry, Refused | None]]]:
        """Fold items into a value; `strict` looks after each item whether the value is JSON still."""
        outcome: list[tuple[Entry, Refused | None]] = []
        for entry, item in entries:
            rule = entry.flow.rule
            if rule.function is None:
                raise ValueError(f"collection {rule.name} has no function")
            refused = None
            try:
                new = rule.function.on(self.frame, seed=("by", rule.name, entry.delta.stream, entry.index))(
                    value, item
                )
                value = plain(new) if strict else new
            except LispyError as error:
                refused = Refused("rule-failed", f"could not be merged: {error.message}")
            except ValueError as error:
                refused = Refused("rule-failed", f"made something that is no JSON: {error}")
            outcome.append((entry, refused))
        return value, outcome

    def changes(self) -> tuple[Change, ...]:
        """All changes: what is set comes first, so that nothing added is overwritten."""
        made = [Change(name, "set", path, value) for (name, path), value in self.sets.items()]
        made += [Change(name, "append", path, items) for (name, path), items in self.appends.items()]
        made += [Change(name, "add", path, number) for (name, path), number in self.adds.items()]
        made += [Change(name, "text", (), "".join(lines)) for name, lines in self.texts.items()]
        return tuple(made)


_MODES: dict[str, Callable[[Rules, Entry, dict[str, Any]], None]] = {
    "append": Rules._append,
    "put": Rules._put,
    "last-writer": Rules._last_writer,
    "sum": Rules._sum,
    "max": Rules._extreme,
    "min": Rules._extreme,
    "union": Rules._union,
}


def _collect(known: dict[bytes, None], item: Any) -> dict[bytes, None]:
    known[canon.canonical(item)] = None
    return known
