"""What is done at a stroke comes to what the long way comes to: text, error, steps and bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lisppump.lispy import Limits, LispyError, Runtime
from lisppump.lispy import printer as printing
from lisppump.lispy.builtins import format as formatting
from lisppump.lispy.limits import Meter
from lisppump.lispy.values import Keyword, Symbol, slice_of

TILDES = ["~a", "~s", "~d", "~,2f", "~f", "~A", "~%", "~~", "~5d", "~:d", "~x", "~p", "n = ", "\n", "~"]
PERCENTS = ["%s", "%d", "%.2f", "%f", "%%", "%n", "%5d", "%S", " of "]
BRACES = ["{}", "{:.1f}", "{{", "}}", "{:,}", "{:d}", " of "]
ATOMS = st.sampled_from(
    [0, -7, 2.5, True, None, "", "text", 'a "b"\n', 10**40, Symbol("quote"), Keyword("k"), "x" * 1200]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text(max_size=3), inner, max_size=4),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: slice_of([0, *items], 1, 1 + len(items))),
    ),
    max_leaves=20,
)
LIMITS = st.sampled_from(
    [Limits(), Limits(string=9), Limits(data_depth=2), Limits(allocation=40), Limits(steps=3)]
)


def filled(template: str, values: list[Any], limits: Limits) -> tuple[Any, ...]:
    """What `format` comes to."""
    run = Runtime().context
    run.begin(limits, (0,), None, frozenset(), {})
    try:
        outcome: Any = formatting.format_(run, template, *values)
    except LispyError as error:
        outcome = (error.code, error.message, error.help)
    return outcome, run.meter.steps, run.meter.allocated


@settings(deadline=None)
@given(st.data(), st.sampled_from([TILDES, PERCENTS, BRACES, PERCENTS + BRACES]), LIMITS)
def test_templates(data: st.DataObject, pieces: list[str], limits: Limits) -> None:
    template = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=5)))
    values = data.draw(st.lists(VALUES, max_size=4))
    with pytest.MonkeyPatch.context() as patch:
        short = filled(template, values, limits)
        patch.setattr(formatting, "LONGEST", -1)
        assert filled(template, values, limits) == short


def printed(value: Any, limits: Limits) -> tuple[Any, ...]:
    """What printing on a meter comes to."""
    meter = Meter(limits)
    try:
        outcome: Any = printing.to_text(value, meter)
    except LispyError as error:
        outcome = (error.code, error.message)
    return outcome, meter.steps, meter.allocated


@settings(deadline=None)
@given(VALUES | st.lists(VALUES, min_size=5, max_size=12), LIMITS)
def test_printing(value: Any, limits: Limits) -> None:
    with pytest.MonkeyPatch.context() as patch:
        short = printed(value, limits)
        patch.setattr(printing, "_FEW", -1)
        assert printed(value, limits) == short
