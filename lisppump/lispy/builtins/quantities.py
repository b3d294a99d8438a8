"""Numbers with units, as the clauses of a policy want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import number, wrong
from lisppump.lispy.errors import LispyError, figure
from lisppump.lispy.values import Quantity, Value

if TYPE_CHECKING:
    from lisppump.lispy.run import Run


def _unit(name: str, unit: str, factor: int, words: str, *others: str) -> None:
    def made(run: Run, amount: Value) -> Value:
        if number(name, amount) < 0:
            raise LispyError(
                "out-of-range",
                f"{name} wants a number that is not negative, got {figure(amount)}",
            )
        total = amount * factor
        if total - total != 0:
            raise LispyError("not-a-number", f"{name} has no finite result here")
        return Quantity(total, unit)

    example = f"(quantity-amount ({name} 2)) ;=> {2 * factor}"
    builtin(name, f"({name} n)", f"A quantity: {words}.", example=example, aliases=others)(made)


_unit("seconds", "seconds", 1, "n seconds")
_unit("minutes", "seconds", 60, "n minutes, counted in seconds")
_unit("hours", "seconds", 3600, "n hours, counted in seconds")
_unit("days", "seconds", 86400, "n days, counted in seconds")
_unit("tokens", "tokens", 1, "n tokens of a language model")
_unit("dollars", "dollars", 1, "n US dollars")
_unit("kilobytes", "bytes", 1024, "n times 1,024 bytes")
_unit("megabytes", "bytes", 1024 * 1024, "n times 1,024 x 1,024 bytes")


@builtin("quantity-amount", "(quantity-amount q)", "The number of a quantity, in its unit (time in seconds).",
         example="(quantity-amount (minutes 2)) ;=> 120")  # fmt: skip
def quantity_amount(run: Run, value: Value) -> Value:
    if value.__class__ is not Quantity:
        raise wrong("quantity-amount", "a quantity", value, 1)
    return value.amount
