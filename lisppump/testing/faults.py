"""Faults on purpose: a stage that fails at the n-th call. It knows no disk."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from lisppump.errors import suggest
from lisppump.plugin_checks import ASYNC
from lisppump.stages import KINDS

HANG = "hang"
Fault = Any  # an exception to raise, "hang", or a function of the arguments and of what the stage gave
Calls = Mapping[Any, Fault]  # by the number of a call, or by a method and the number of its call; from 1


class Failing:
    """A stage of any kind that does what another does, but for the calls that `faults` names.

    A fault is an exception, which is raised; `"hang"` for a call that is awaited and never ends; or a
    function of the call's arguments and of what the stage gave, whose value is given instead. `calls` counts
    the calls.
    """

    def __init__(self, stage: Any, faults: Calls) -> None:
        self.calls = 0
        self._stage = stage
        self._counts = dict.fromkeys(_methods(stage), 0)
        self._faults = _checked(stage, self._counts, faults)
        for method in self._counts:
            setattr(self, method, self._wrapped(method, getattr(stage, method)))

    def __getattr__(self, name: str) -> Any:
        """Whatever else the stage has: `max_tokens`, `folder`."""
        if name == "_stage":  # it is being copied, and holds nothing yet
            raise AttributeError(name)
        return getattr(self._stage, name)

    def _wrapped(self, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def awaited(*args: Any, **named: Any) -> Any:
            fault = self._next(method)
            if fault == HANG:
                await asyncio.Event().wait()
            _raised(fault)
            gave = await function(*args, **named)
            return gave if fault is None else fault(*args, *named.values(), gave)

        @functools.wraps(function)
        def called(*args: Any, **named: Any) -> Any:
            fault = self._next(method)
            _raised(fault)
            gave = function(*args, **named)
            return gave if fault is None else fault(*args, *named.values(), gave)

        return awaited if method in _AWAITED else called

    def _next(self, method: str) -> Fault:
        """The fault of a call that begins now, or None."""
        self.calls += 1
        self._counts[method] += 1
        by_method = self._faults.get((method, self._counts[method]))
        return self._faults.get(self.calls) if by_method is None else by_method


def failing(factory: type, faults: Calls) -> type:
    """A stage class for the plugin of a test to offer: what it makes of `factory` is `Failing`.

    Each stage counts its own calls. A pump makes its stages when it is opened; its reservoir once more when
    it first writes.
    """

    def new(cls: type, *args: Any, **options: Any) -> Failing:
        return Failing(factory(*args, **options), faults)

    names = {"__new__": new, "__doc__": factory.__doc__, "__module__": factory.__module__}
    return type(factory.__name__, (factory,), names)


_AWAITED = frozenset(method for kind in ASYNC for method in KINDS[kind].methods)


def _methods(stage: Any) -> list[str]:
    """The methods of its kind, or of several."""
    if inspect.isclass(stage):
        raise TypeError(f"Failing wraps a stage, got the class {stage.__name__}; write {stage.__name__}(...)")
    kinds = [kind for kind in KINDS.values() if all(callable(getattr(stage, m, None)) for m in kind.methods)]
    if not kinds:
        raise TypeError(f"Failing wraps a stage; {type(stage).__name__} has the methods of no kind of stage")
    return [method for kind in kinds for method in kind.methods]


def _checked(stage: Any, counts: Mapping[str, int], faults: Calls) -> dict[Any, Fault]:
    """Faults that can happen: a test whose fault never comes shows nothing."""
    for call, fault in faults.items():
        method, number = call if isinstance(call, tuple) else (None, call)
        if method is not None and method not in counts:
            near = suggest(str(method), [*counts])
            hint = f"; did you mean `{near}`?" if near else f"; it has {', '.join(counts)}"
            raise ValueError(f"{type(stage).__name__} has no method `{method}` to fail in{hint}")
        if number.__class__ is not int or number < 1:
            raise ValueError(f"calls are counted from 1, got {number!r}")
        raised = isinstance(fault, BaseException) or callable(fault)
        if not raised and fault != HANG:
            raise ValueError(f'a fault is an exception, "hang" or a function, got {fault!r}')
        if fault == HANG and not {method or next(iter(counts)), *([] if method else counts)} <= _AWAITED:
            raise ValueError(f"{type(stage).__name__} is not awaited, so it cannot hang; let it raise")
    return dict(faults)


def _raised(fault: Fault) -> None:
    if isinstance(fault, BaseException) or (isinstance(fault, type) and issubclass(fault, BaseException)):
        raise fault
