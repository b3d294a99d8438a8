"""The one way out: what the capability `web` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import string
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


@builtin("curl", "(curl url)", "What a page of the web says, JSON as data, all else as text; it only reads.",
         example="(try (curl \"https://example.org\") (catch e (get e :code))) ;=> \"not-granted\"",
         cost="the length of what it reads", capability="web")  # fmt: skip
def curl(run: Run, url: Value) -> Value:
    address = string("curl", url)
    return run.need("web").get(run, address)
