"""`lisppump doctor`: prints what lisppump.doctor finds, one line each, with what to do."""

from __future__ import annotations

from lisppump.cli.context import Settings, as_command, table

COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@as_command("doctor")
def command(settings: Settings) -> int:
    """Is all well here? Python, packages, plugins, pump.lisp, state, journal: one line each, with what to do.

    It writes nothing, and runs no plugin that nobody has trusted.
    """
    from lisppump.doctor import ERROR, examine

    remarks = list(examine(settings.dir, settings.registry(), pump=settings.pump))
    well = all(remark.finding.level != ERROR for remark in remarks)
    if settings.json:
        findings = [remark.to_json() for remark in remarks]
        settings.document({"schema": "lisppump/doctor@1", "ok": well, "findings": findings})
        return 0 if well else 1
    rows = []
    for remark in remarks:
        found = remark.finding
        text = found.what + (f"; {found.help}" if found.help else "")
        rows.append([found.level, remark.topic, " ".join(text.split())])
    for remark, line in zip(remarks, table(rows), strict=True):
        settings.print(line, fg=COLOURS[remark.finding.level])
    return 0 if well else 1
