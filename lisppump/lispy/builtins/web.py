"""The one way out: what the capability `web` gives. What is read, and how, is the host's affair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.errors import LisppumpError
from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import string
from lisppump.lispy.builtins.data import json_parse
from lisppump.lispy.errors import CapabilityError, LispyError
from lisppump.lispy.values import Value

if TYPE_CHECKING:
    from lisppump.lispy.capabilities import Web
    from lisppump.lispy.run import Run

CALL = 1_000  # steps of asking, whatever comes of it


@builtin("curl", "(curl url)",
         "What a public page of the web says, JSON as data, all else as text; it only reads. What the "
         "portal refuses is an error whose data has the `reason`, an answer like 404 one with the `status`.",
         example="(try (curl \"https://example.org\") (catch e (get e :code))) ;=> \"not-granted\"",
         cost="1,000 + the length of what it reads", capability="web")  # fmt: skip
def curl(run: Run, url: Value) -> Value:
    address = string("curl", url)
    web: Web = run.need("web")
    run.charge(CALL + (len(address) >> 4))
    meter = run.meter
    left = meter.page(web.calls, web.seconds)
    try:
        page = web.fetch(address, left)
    except LisppumpError as error:
        meter.waited += getattr(error, "seconds", 0.0)
        _look(run)
        if isinstance(error, LispyError):
            raise
        raise CapabilityError(error.code, error.message, help=error.help, data=error.data) from None
    meter.waited += page.seconds
    _look(run)
    if not 200 <= page.status < 300:
        raise CapabilityError(
            "portal-status", f"the server answers with the status {page.status}",
            data={"status": page.status, "url": page.url},
        )  # fmt: skip
    if not page.json:
        meter.text(len(page.text))
        return page.text
    value = json_parse(run, page.text)
    if len(page.text) > run.limits.string:
        _check_strings(run, value)
    return value


def _look(run: Run) -> None:
    """Stop a run whose own time went by while it waited."""
    if run.meter.deadline is not None:
        run.meter.look()


def _check_strings(run: Run, value: Value) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if item.__class__ is str and len(item) > run.limits.string:
            run.meter.text(len(item))
        elif item.__class__ is list:
            stack.extend(item)
        elif item.__class__ is dict:
            stack.extend(item)
            stack.extend(item.values())
