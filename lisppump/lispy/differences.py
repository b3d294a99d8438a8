"""How two simulations differ: in what they are told, where they part, and where they end. It runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import BUILTINS
from lisppump.lispy.builtins.check import is_number, walk
from lisppump.lispy.builtins.compare import same
from lisppump.lispy.builtins.dicts import member_of
from lisppump.lispy.errors import LispyError
from lisppump.lispy.nodes import datum
from lisppump.lispy.scenario import SETTINGS
from lisppump.lispy.scenario_text import form_of, simulated, source_node
from lisppump.lispy.values import Value, is_list, is_nil

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def differences(run: Run, first: Value, second: Value) -> dict[str, Value]:
    """What is different in the second of two values of simulations."""
    one, other = simulated("compare", first), simulated("compare", second)
    found: dict[str, Value] = {}
    changed = _changed_settings(run, member_of(one, "source", None), member_of(other, "source", None))
    if changed:
        found["changed"] = changed
    for key in ("seed", "ticks", "output"):
        left, right = member_of(one, key, None), member_of(other, key, None)
        if not same(run, left, right):
            found[key] = [left, right]
    courses = _courses(run, one["trajectory"], other["trajectory"])
    if courses:
        found["trajectory"] = courses
    ends = _pairs(run, member_of(one, "final-state", None), member_of(other, "final-state", None))
    if ends:
        found["final-state"] = ends
    run.meter.container(2 * len(found) + 2 * len(courses))
    return found


def _pairs(run: Run, one: Value, other: Value) -> dict[str, Value]:
    """The keys of two states that differ, with both values."""
    if is_nil(one) and is_nil(other):
        return {}
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise LispyError("wrong-type", "compare wants a :final-state that is a dict")
    run.charge(len(one) + len(other))
    found: dict[str, Value] = {}
    for key in dict.fromkeys([*one, *other]):
        left, right = member_of(one, key, None), member_of(other, key, None)
        if not same(run, left, right):
            found[key] = [left, right]
    return found


def _courses(run: Run, one: Value, other: Value) -> dict[str, Value]:
    """How the observables of two trajectories part."""
    pairs = list(zip(walk(run, "compare", one), walk(run, "compare", other, 2), strict=False))
    for pair in pairs:
        if not isinstance(pair[0], dict) or not isinstance(pair[1], dict):
            raise LispyError("wrong-type", "compare wants trajectories that are lists of dicts")
    names = dict.fromkeys([name for pair in pairs[:1] for entry in pair for name in entry])
    run.charge(len(names) * len(pairs))
    found: dict[str, Value] = {}
    for name in names:
        values = [(member_of(left, name, None), member_of(right, name, None)) for left, right in pairs]
        course = _course(run, values)
        if course is not None:
            found[name] = course
    return found


def _course(run: Run, values: list[tuple[Value, Value]]) -> dict[str, Value] | None:
    """Since when two courses of a value differ, and by how much."""
    since = next((tick for tick, pair in enumerate(values) if not same(run, *pair)), None)
    if since is None:
        return None
    left, right = values[-1]
    found: dict[str, Value] = {"since": since, "last": [left, right]}
    deltas = [_delta(run, *pair) for pair in values]
    known = [delta for delta in deltas if delta is not None]
    if deltas[-1] is not None:
        found["delta"] = deltas[-1]
    if known:
        found["largest"] = max(known, key=abs)
    return found


def _delta(run: Run, one: Value, other: Value) -> Value:
    """The way from one number to another, nil of what are none, or too far apart for a float."""
    if not is_number(one) or not is_number(other):
        return None
    try:
        return BUILTINS["-"].function(run, other, one)
    except LispyError as error:
        if error.code == "not-a-number":
            return None
        raise


def _changed_settings(run: Run, one: Value, other: Value) -> list[Value]:
    """The settings in which two sources differ, and `definitions` if those do."""
    if same(run, one, other):
        return []
    left, right = _said(run, one), _said(run, other)
    if left is None or right is None:
        return ["source"]
    words = [setting for setting in ("definitions", *SETTINGS) if setting in left or setting in right]
    return [word for word in words if not same(run, left.get(word), right.get(word))]


def _said(run: Run, source: Value) -> dict[str, Value] | None:
    """What the source of a simulation says, by setting; None where it cannot be read."""
    if is_nil(source) or not (source.__class__ is str or is_list(source)):
        return None
    try:
        node = source_node(run, source)
    except LispyError as error:
        if error.category == "limit":
            raise
        return None
    form = form_of(node)
    assert form is not None
    items = form.items[1:]
    said = {
        word.value.name: datum(value)
        for word, value in zip(items[::2], items[1::2], strict=False)
        if word.kind == "keyword"
    }
    if form is not node:
        said["definitions"] = [datum(item) for item in node.items[2:-1]]
    return said
