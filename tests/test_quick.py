"""Dataclasses that are made quickly: they are what other frozen dataclasses are, in all that can be seen."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
import weakref
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from lisppump.calling import Reply, Request
from lisppump.frame import Agent, Stream
from lisppump.merge_changes import Change
from lisppump.prompt import Prompt
from lisppump.quick import quick
from lisppump.stages import Job
from lisppump.testing import frame_of, request_of

QUICK = (Agent, Change, Job, Prompt, Reply, Request, Stream)


@quick
@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: int
    y: int = 2
    name: str | None = None


def test_one_is_made_with_places_names_and_defaults() -> None:
    assert Point(1) == Point(1, 2, None) == Point(y=2, x=1)
    assert repr(Point(1, name="here")) == "Point(x=1, y=2, name='here')"
    assert hash(Point(1)) == hash(Point(1, 2)) and Point(1) != Point(2)


def test_one_cannot_be_changed_and_has_nothing_but_its_fields() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    assert not hasattr(point, "__dict__") and replace(point, x=3) == Point(3)


def test_one_is_copied_and_pickled() -> None:
    point = Point(1, 3, "there")
    assert copy.copy(point) == copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point


@pytest.mark.parametrize("arguments", [(), (1, 2, "a", 4)])
def test_too_few_or_many_arguments_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        Point(*arguments)


def test_a_class_made_of_one_has_fields_of_its_own() -> None:
    @dataclass(frozen=True, slots=True)
    class Named(Point):
        colour: str = "red"

    assert Named(1, colour="blue").colour == "blue" and Named(1, 5).y == 5


@pytest.mark.parametrize("cls", QUICK)
def test_its_signature_is_that_of_the_dataclass(cls: type) -> None:
    parameters = inspect.signature(cls).parameters
    assert [*parameters] == [one.name for one in fields(cls)]
    assert all(one.annotation is not inspect.Parameter.empty for one in parameters.values())


@pytest.mark.parametrize("cls", QUICK)
def test_what_it_says_of_its_parameters_can_be_looked_up(cls: type) -> None:
    known = {"TYPE_CHECKING": False, **({"Tool": Any} if cls is Request else {})}
    assert typing.get_type_hints(cls.__init__, localns=known)["return"] is type(None)  # type: ignore[misc]


def test_plugins_may_keep_something_for_as_long_as_a_request_lives() -> None:
    request = request_of(frame_of({}), [])
    kept = weakref.ref(request)
    assert kept() is request
    del request
    assert kept() is None


def test_a_default_is_made_anew_for_each() -> None:
    @quick
    @dataclass(frozen=True, slots=True)
    class Several:
        first: int
        all: list[int] = field(default_factory=list)
        names: dict[str, int] = field(default_factory=dict)

    one, other = Several(1), Several(1, names={"a": 1})
    assert (one.all, one.names, other.all, other.names) == ([], {}, [], {"a": 1})
    assert one.all is not other.all and replace(one, first=2).all is one.all


def test_what_is_more_than_its_fields_is_not_made_quickly() -> None:
    @dataclass(frozen=True, slots=True)
    class Many:
        all: int = 0

        def __post_init__(self) -> None:
            pass

    with pytest.raises(AssertionError, match="Many is more than its fields"):
        quick(Many)
