"""`lisppump repair`: says what lisppump.repair would do, asks, and lets it be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.verify import line_of, root_of, view_of

if TYPE_CHECKING:
    from lisppump.survey import Survey


@as_command("repair")
@click.option("--dry-run", is_flag=True, help="Only say what would be saved and what is lost.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(settings: Settings, dry_run: bool, yes: bool) -> int:
    """Save what can be saved of a damaged world; what is lost is said.

    What it changes is kept as it was in .lisppump/damaged-N. Afterwards `verify` finds nothing and `run`
    goes on.
    """
    from lisppump.repair import repair
    from lisppump.survey import survey

    root = root_of(settings)
    view = view_of(settings, root)
    plan = survey(root, view)
    if plan.faults and not dry_run:
        if not settings.json:
            _tell(settings, plan, "would be")
        if settings.agree("repair this world?", yes):
            plan = repair(root, view)
        else:
            settings.print("nothing was changed")
            return 1
    if settings.json:
        settings.document({**plan.to_json(), "dry_run": dry_run})
        return 0
    if not plan.faults:
        settings.print("nothing is damaged")
        return 0
    _tell(settings, plan, "was" if plan.aside else "would be")
    if plan.aside:
        settings.print(f"what lay there before is kept in .lisppump/{plan.aside}", fg="green")
    return 0


def _tell(settings: Settings, plan: Survey, verb: str) -> None:
    from lisppump.verify import spans

    if verb == "was":
        settings.print("repaired")
        return
    for fault in plan.faults:
        settings.print(line_of(fault), fg="red")
    for hole in plan.holes:
        if plan.cut is None or hole.first < plan.cut:
            records = spans(list(range(hole.first, hole.first + hole.count)))
            settings.print(f"lost: record {records} (frame {hole.fault.frame})")
    if plan.cut is not None:
        settings.print(f"cut: record {plan.cut} and all behind it; the newest frame will be {plan.head}")
    if plan.head < 0:
        settings.print("no frame is left in the journal; the next run makes frame 0 of the documents")
    elif plan.dropped and plan.cut is None:
        settings.print(f"the journal ends at frame {plan.head}, and goes on from there")
    for what, numbers in (("lost: frame", plan.dropped), ("lost: the documents of frame", plan.blind)):
        if numbers:
            settings.print(f"{what}{'s' * (len(numbers) > 1)} {spans(numbers)}")
    for what, names in (
        ("lost: blob", plan.blobs),
        ("lost: the newer value of", plan.losing),
        ("kept as an edit:", sorted(plan.saved)),
        ("written again:", plan.spoiled),
    ):
        for name in names:
            settings.print(f"{what} {name}")
