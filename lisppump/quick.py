"""Frozen dataclasses of which a frame makes thousands: as safe as others, and made at half the cost.

A frozen dataclass sets each field by looking its name up. This one sets it by its slot.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots an `__init__` of the same parameters that sets the slots themselves.

    It makes no default by a factory and calls no `__post_init__`.
    """
    names = [one.name for one in fields(cls)]  # type: ignore[arg-type]
    plain = all(one.init and one.default_factory is MISSING for one in fields(cls))  # type: ignore[arg-type]
    assert plain and not hasattr(cls, "__post_init__"), f"{cls.__name__} is more than its fields"
    scope: dict[str, Any] = {f"_set_{name}": vars(cls)[name].__set__ for name in names}
    body = "".join([f"    _set_{name}(self, {name})\n" for name in names])
    exec(f"def __init__(self, {', '.join(names)}):\n{body}", scope)
    made, usual = scope["__init__"], vars(cls)["__init__"]
    for part in ("__defaults__", "__annotations__", "__qualname__", "__module__", "__doc__"):
        setattr(made, part, getattr(usual, part))
    cls.__init__ = made  # type: ignore[method-assign]
    return cls
