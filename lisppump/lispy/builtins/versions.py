"""Dicts that share what they have in common: setting a key costs the key, every older dict stays as it was.

The newest version owns a plain dict; an older one is a difference to the next newer. Nothing here is seen by
a program: a version is a dict with other insides.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Sequence, ValuesView
from typing import TYPE_CHECKING, Any

from lisppump.lispy.errors import LimitError
from lisppump.lispy.values import Keyword, Symbol, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

SMALL = 16  # dicts up to this size are copied
ENTRY = 32  # bytes charged for an entry that is copied
FAR = 8  # differences walked before an older version gets a dict of its own
ABSENT: Any = object()
LONGEST_KEY = 4096  # characters: what looks a key up takes no steps for its length


class Version(dict[str, Value]):
    """A dict whose entries are in `data`, or differ by one key from the version that came `after` it.

    Once its entries were looked at as a whole it is `pinned`: its dict is never changed again.
    """

    __slots__ = ("after", "data", "key", "pinned", "previous", "run", "size")

    # Made by `_version`; what the one after it keeps of it is set when there is one.
    data: dict[str, Value] | None
    after: Version | None
    key: str
    previous: Value
    size: int
    pinned: bool
    run: Run  # whose meter pays for a dict of its own

    def whole(self) -> dict[str, Value]:
        """All entries as a plain dict that nobody may change; made once for an older version."""
        self.pinned = True
        if self.data is None:
            self.run.meter.allocate(ENTRY * self.size)
            chain: list[Version] = []
            version: Version = self
            while version.data is None:
                chain.append(version)
                version = version.after  # type: ignore[assignment]
            data = version.data.copy()
            for older in reversed(chain):
                if older.previous is ABSENT:
                    del data[older.key]
                else:
                    data[older.key] = older.previous
            self.data = data
            self.after = None
        return self.data

    def __getitem__(self, key: str) -> Value:
        version = self
        for _ in range(FAR):
            if version.data is not None:
                return version.data[key]
            if version.key == key:
                if version.previous is ABSENT:
                    raise KeyError(key)
                return version.previous
            version = version.after  # type: ignore[assignment]
        return self.whole()[key]

    def get(self, key: str, default: Value = None) -> Value:
        if self.data is not None:
            return self.data.get(key, default)
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except KeyError:
            return False
        return True

    def __len__(self) -> int:
        return self.size if self.data is None else len(self.data)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __reversed__(self) -> Iterator[str]:
        return reversed(self.whole())

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        return self.whole().keys()

    def values(self) -> ValuesView[Value]:  # type: ignore[override]
        return self.whole().values()

    def items(self) -> ItemsView[str, Value]:  # type: ignore[override]
        return self.whole().items()

    def copy(self) -> dict[str, Value]:
        return self.whole().copy()

    def __eq__(self, other: object) -> bool:
        return self.whole() == (other.whole() if isinstance(other, Version) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def long_key(key: str) -> LimitError:
    """The error of a dict that would get a key so long."""
    return LimitError(
        "string-limit", f"a key of a dict may have {LONGEST_KEY:,} characters, this has {len(key):,}"
    )


def fit_keys(keys: Iterable[str]) -> None:
    """Refuse keys that are too long for a dict."""
    for key in keys:
        if len(key) > LONGEST_KEY:
            raise long_key(key)


def with_key(run: Run, items: dict[str, Value], key: str, value: Value) -> dict[str, Value]:
    """A dict with one key set; large dicts share their entries with what they were made from."""
    if len(key) > LONGEST_KEY:
        raise long_key(key)
    if items.__class__ is dict and (size := len(items)) < SMALL < run.limits.elements:
        meter = run.meter
        meter.allocated += ENTRY * size + ENTRY
        if meter.allocated > meter.limits.allocation:
            meter.allocate(0)
        small = items.copy()
        small[key] = value
        return small
    if items.__class__ is Version:
        if items.data is not None and not items.pinned:
            return newer(run, items, items.data, key, value)
        items = items.whole()
    size = len(items)
    run.meter.allocate(ENTRY * (size + 1))
    made = dict(items)
    made[key] = value
    if len(made) > run.limits.elements and len(made) > size:
        run.meter.container(len(made))
    return made if size < SMALL else _version(run, made)


def small_with_keys(run: Run, items: dict[str, Value], pairs: Sequence[Value]) -> dict[str, Value] | None:
    """A small plain dict with several keys set, charged as if one by one; None where it has to be so."""
    if len(pairs) % 2 or run.limits.elements <= SMALL:
        return None
    made = items.copy()
    count = 0
    turns = iter(pairs)
    for key in turns:
        if key.__class__ is not str:
            if key.__class__ is not Keyword and key.__class__ is not Symbol:
                return None
            key = key.name
        if len(key) > LONGEST_KEY:
            raise long_key(key)
        count += len(made) + 1
        made[key] = next(turns)
    run.meter.take(1 + (len(pairs) >> 1), ENTRY * count)
    return made


def _version(run: Run, data: dict[str, Value]) -> Version:
    """The newest version of some entries."""
    made = Version()
    made.run = run
    made.data = data
    made.pinned = False
    return made


def newer(run: Run, old: Version, data: dict[str, Value], key: str, value: Value) -> Version:
    """The next version, which takes the entries over where no one looked at them as a whole.

    The old one keeps the difference.
    """
    meter = run.meter
    meter.allocated += 2 * ENTRY
    if meter.allocated > meter.limits.allocation:
        meter.allocate(0)
    size = len(data)
    previous = data.get(key, ABSENT)
    if previous is ABSENT and size >= run.limits.elements:
        meter.container(size + 1)
    made = Version()
    made.run = run
    made.data = data
    made.pinned = False
    old.size = size
    data[key] = value
    old.data = None
    old.key = key
    old.previous = previous
    old.after = made
    return made
