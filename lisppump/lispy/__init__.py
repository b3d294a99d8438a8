"""LisPy, the small Lisp of lisppump: reader, builtins, tiers, runtime. It imports only errors and canon."""

from __future__ import annotations

from lisppump.lispy.errors import CapabilityError, LimitError, LispyError
from lisppump.lispy.limits import Limits
from lisppump.lispy.printer import to_json, to_text
from lisppump.lispy.reader import read
from lisppump.lispy.runtime import Result, Runtime

__all__ = [
    "CapabilityError",
    "LimitError",
    "Limits",
    "LispyError",
    "Result",
    "Runtime",
    "read",
    "to_json",
    "to_text",
]  # fmt: skip
