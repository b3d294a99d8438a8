"""Lists as sets: what is in both, in one, once. Elements are equal as equal? says, in the order they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.calling import procedure_and_list
from lisppump.lispy.builtins.check import call, has, key_of, ordinal, room, walk, wrong
from lisppump.lispy.builtins.compare import ATOMS, LONG, long_texts, same
from lisppump.lispy.builtins.searching import find_equal
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Value, is_list, is_true

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def _alike(*lists: Value) -> bool:
    """Whether these are arrays of atoms of one type, which the host's sets tell apart."""
    kinds: set[Any] = set()
    for items in lists:
        if items.__class__ is not list:
            return False
        kinds.update(map(type, items))
    return len(kinds) <= 1 and kinds <= ATOMS


class Bag:
    """Values seen so far, by equal?: atoms in a set of (type, value), anything else compared one by one."""

    __slots__ = ("atoms", "others", "run")

    def __init__(self, run: Run, items: list[Value] | None = None) -> None:
        self.run = run
        self.atoms: set[Any] = set()
        self.others: list[Value] = []
        for item in items or ():
            self.add(item)

    def add(self, item: Value) -> bool:
        """Put a value in; true if it was new."""
        kind = item.__class__
        if kind in ATOMS:
            if kind is str and len(item) >= LONG:
                self.run.meter.charge(len(item) >> 10)
            key = (kind, item)
            if key in self.atoms:
                return False
            self.atoms.add(key)
            return True
        if item in self:
            return False
        self.others.append(item)
        return True

    def __contains__(self, item: Value) -> bool:
        kind = item.__class__
        if kind in ATOMS:
            if kind is str and len(item) >= LONG:
                self.run.meter.charge(len(item) >> 10)
            return (kind, item) in self.atoms
        self.run.meter.charge(4 * len(self.others))
        return any(same(self.run, item, other) for other in self.others)


@builtin("unique", "(unique list [same?])",
         "Each element once, where it is first; a procedure says which are the same.",
         example="(unique '(1 2 1 3)) ;=> (1 2 3)",
         cost="n; n x n for elements that are lists or dicts, and the calls", aliases=("distinct", "dedupe",
                  "remove-duplicates", "list->set", "delete-duplicates", "delete-dups", "uniq", "nub",
                  "deduplicate"))  # fmt: skip
def unique(run: Run, value: Value, procedure: Value = None) -> Value:
    items = walk(run, "unique", value)
    room(run, len(items))
    if procedure is not None:
        function = call(run, "unique", procedure, 2, 2)
        kept: list[Value] = []
        for item in items:
            for other in kept:
                if is_true(function(other, item)):
                    break
            else:
                kept.append(item)
        return kept
    if _alike(items):
        long_texts(run, items)
        return list(dict.fromkeys(items))
    bag = Bag(run)
    return [item for item in items if bag.add(item)]


@builtin("unique-by", "(unique-by f list)", "The first element for each result of f.",
         cost="n, and the calls", example="(unique-by car '((a 1) (b 2) (a 3))) ;=> ((a 1) (b 2))",
         aliases=("distinct-by",))  # fmt: skip
def unique_by(run: Run, first: Value, second: Value) -> Value:
    first, second = procedure_and_list("unique-by", first, second)
    function = call(run, "unique-by", first, count=1)
    items = walk(run, "unique-by", second, 2)
    room(run, len(items))
    bag = Bag(run)
    return [item for item in items if bag.add(function(item))]


@builtin("union", "(union list ...)", "Each element of any of the lists, once.",
         example="(union '(1 2) '(2 3)) ;=> (1 2 3)", cost="elements of all lists",
         aliases=("set-union",))  # fmt: skip
def union(run: Run, *values: Value) -> Value:
    bag, out = Bag(run), []
    for place, value in enumerate(values, 1):
        out.extend([item for item in walk(run, "union", value, place) if bag.add(item)])
        if len(out) > run.limits.elements:
            run.meter.container(len(out))
    room(run, len(out))
    return out


@builtin("intersection", "(intersection list ...)", "Each element that is in all of the lists, once.",
         example="(intersection '(1 2 3) '(2 3 4)) ;=> (2 3)", cost="elements of all lists",
         aliases=("set-intersection", "set-intersect", "intersect"))  # fmt: skip
def intersection(run: Run, first: Value, *values: Value) -> Value:
    items = walk(run, "intersection", first)
    if _alike(items, *values):
        for value in (items, *values):
            long_texts(run, value)
        kept = set(items).intersection(*[walk(run, "intersection", value) for value in values])
        out = [item for item in dict.fromkeys(items) if item in kept]
    else:
        bags = [Bag(run, walk(run, "intersection", value, place)) for place, value in enumerate(values, 2)]
        seen = Bag(run)
        out = [item for item in items if all(item in bag for bag in bags) and seen.add(item)]
    room(run, len(out))
    return out


@builtin("difference", "(difference list ...)",
         "Each element of the first list that is in none of the others, once.",
         example="(difference '(1 2 3) '(2)) ;=> (1 3)", cost="elements of all lists",
         aliases=("set-difference", "set-subtract"))  # fmt: skip
def difference(run: Run, first: Value, *values: Value) -> Value:
    items = walk(run, "difference", first)
    if _alike(items, *values):
        for value in (items, *values):
            long_texts(run, value)
        gone: set[Any] = set().union(*[walk(run, "difference", value) for value in values])
        out = [item for item in dict.fromkeys(items) if item not in gone]
    else:
        bags = [Bag(run, walk(run, "difference", value, place)) for place, value in enumerate(values, 2)]
        seen = Bag(run)
        out = [item for item in items if not any(item in bag for bag in bags) and seen.add(item)]
    room(run, len(out))
    return out


@builtin("subset?", "(subset? a b)", "True when every element of a is in b.",
         example="(subset? '(1) '(1 2)) ;=> #t", cost="elements of both lists")  # fmt: skip
def subset(run: Run, first: Value, second: Value) -> Value:
    bag = Bag(run, walk(run, "subset?", second, 2))
    return all(item in bag for item in walk(run, "subset?", first))


def holds(run: Run, name: str, collection: Value, item: Value) -> bool:
    """Whether a list has an element, a dict a key, a text a part."""
    if is_list(collection):
        return find_equal(run, item, collection) >= 0
    if isinstance(collection, dict):
        return has(collection, key_of(name, item))
    if item.__class__ is not str:
        raise wrong(name, "a string (as the other argument is one)", item)
    run.meter.charge(len(collection) >> 4)
    return item in collection


def _collection(value: Value) -> bool:
    return is_list(value) or isinstance(value, dict)


def _holds_either(run: Run, name: str, collection: Value, item: Value, place: int) -> bool:
    """`holds` with the collection where it belongs, or the other way round where the types leave no doubt."""
    kind, of = collection.__class__, item.__class__
    if kind is list and (of is str or of is int):
        return find_equal(run, item, collection) >= 0
    if of is str and kind is str:
        run.meter.charge(len(collection) >> 4)
        return item in collection
    if of is str and kind is dict:
        return item in collection
    if not _collection(collection) and _collection(item):
        return holds(run, name, item, collection)
    if not _collection(collection) and collection.__class__ is not str:
        raise wrong(name, "a list, dict or string", collection, place)
    found = holds(run, name, collection, item)
    if not found and is_list(collection) and is_list(item) and holds(run, name, item, collection):
        raise LispyError("ambiguous", f"{name} got two lists, the wrong way round as it seems",
                         help=f"{name} wants the collection as its {ordinal(place)} argument")  # fmt: skip
    return found


@builtin("member?", "(member? x collection)",
         "True when a list has an element equal? to x, a dict the key, a text the part.",
         example="(member? 2 '(1 2 3)) ;=> #t", cost="nodes compared", aliases=("in?", "elem?"))  # fmt: skip
def is_member(run: Run, item: Value, collection: Value) -> Value:
    return _holds_either(run, "member?", collection, item, 2)


@builtin("contains?", "(contains? collection x)",
         "True when a list has an element equal? to x, a dict the key, a text the part.",
         example="(contains? '(1 2 3) 2) ;=> #t", cost="nodes compared",
         aliases=("includes?", "list-contains?", "set-member?", "set-contains?"))  # fmt: skip
def contains(run: Run, collection: Value, item: Value) -> Value:
    return _holds_either(run, "contains?", collection, item, 1)
