"""What a program came to: the parts of that, and the Result that hosts get. It runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lisppump.lispy.errors import LispyError

# Error, value as data, text, output, steps, bytes, capabilities that were used.
Outcome = tuple[LispyError | None, Any, str, str, int, int, tuple[str, ...]]


@dataclass(frozen=True, init=False)
class Result:
    """What a program came to. `value` is JSON data (None for a procedure), `text` is exact."""

    ok: bool
    value: Any
    text: str
    output: str
    error: LispyError | None
    usage: dict[str, int] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()

    def __init__(
        self,
        ok: bool,
        value: Any,
        text: str,
        output: str,
        error: LispyError | None,
        usage: dict[str, int] | None = None,
        capabilities: tuple[str, ...] = (),
    ) -> None:
        fields = self.__dict__  # the way around what keeps it frozen takes a third of the time
        fields["ok"] = ok
        fields["value"] = value
        fields["text"] = text
        fields["output"] = output
        fields["error"] = error
        fields["usage"] = {} if usage is None else usage
        fields["capabilities"] = capabilities
