"""What agents share in the frame: tools, scenarios and prompts, with author, doc and versions. Read only.

`tools.json` and its like are filled through deltas, by the rules of lisp_lib/library.lisp or a world's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lisppump.lispy.builtins import builtin
from lisppump.lispy.builtins.check import is_number
from lisppump.lispy.builtins.state import get_or_nil, name_of
from lisppump.lispy.errors import LispyError
from lisppump.lispy.values import Value, elements, is_list

if TYPE_CHECKING:
    from lisppump.lispy.run import Run

BRIEF = ("author", "doc", "version", "uses")  # what a list of them says of each


def _shelf(run: Run, document: str) -> dict[str, Value]:
    """All that is shared of a kind; nothing where nobody shared any."""
    try:
        found = run.state.document(document)
    except LispyError as error:
        if error.code == "no-document":
            return {}
        raise
    return found if isinstance(found, dict) else {}


def _listed(run: Run, document: str) -> list[Value]:
    shelf = _shelf(run, document)
    run.meter.charge(3 + 6 * len(shelf))
    run.meter.allocate(300 * len(shelf))
    found: list[Value] = []
    for name in sorted(shelf):
        entry = shelf[name]
        if isinstance(entry, dict):
            found.append({"name": name, **{key: entry[key] for key in BRIEF if key in entry}})
    return found


def _found(run: Run, document: str, own: str, name: Value, version: Value) -> Value:
    """One of them, with its name; of an earlier version what that was. Nil where there is none."""
    shelf = _shelf(run, document)
    word = name_of(own, name)
    entry = shelf.get(word)
    run.meter.charge(5)
    if not isinstance(entry, dict):
        return None
    if version is None or version == entry.get("version"):
        return {"name": word, **{key: value for key, value in entry.items() if key != "versions"}}
    if not is_number(version):
        raise LispyError("wrong-type", f"{own} wants the number of a version")
    earlier = entry.get("versions")
    for one in elements(earlier) if is_list(earlier) else ():
        run.meter.charge(1)
        if get_or_nil(one, "version") == version and isinstance(one, dict):
            return {"name": word, "author": entry.get("author"), **one}
    return None


@builtin("rb-tools", "(rb-tools)", "The tools that agents share: name, author, doc, version, uses.",
         cost="3 + 6 for each", example="(list? (rb-tools)) ;=> #t", capability="state")  # fmt: skip
def rb_tools(run: Run) -> Value:
    return _listed(run, "tools.json")


@builtin("rb-tool", "(rb-tool name [version])",
         "A shared tool with its source, or nil: the newest version of it, or that one.",
         cost="5 + versions", example='(rb-tool "nobody-made-this") ;=> nil', capability="state")  # fmt: skip
def rb_tool(run: Run, name: Value, version: Value = None) -> Value:
    return _found(run, "tools.json", "rb-tool", name, version)


@builtin("use-tool", "(use-tool name [version])",
         "Reads a shared tool into the program: what its source defines has a value from here on, on the "
         "budget of the program and with its grants. Gives what the source comes to.",
         cost="5 + versions, and what it does",
         example='(try (use-tool "nobody-made-this") (catch e (get e :code))) ;=> "no-tool"',
         capability="state")  # fmt: skip
def use_tool(run: Run, name: Value, version: Value = None) -> Value:
    tool: Any = _found(run, "tools.json", "use-tool", name, version)
    source = get_or_nil(tool, "source")
    if source.__class__ is not str:
        which = f"{name_of('use-tool', name)[:60]}" + ("" if version is None else f", version {version}"[:40])
        raise LispyError("no-tool", f"nobody shares a tool {which}", help="(rb-tools) lists those there are")
    return run.evaluate(source)


@builtin("rb-scenarios", "(rb-scenarios)",
         "The scenarios that agents share: name, author, doc, version, uses.",
         cost="3 + 6 for each", example="(list? (rb-scenarios)) ;=> #t", capability="state")  # fmt: skip
def rb_scenarios(run: Run) -> Value:
    return _listed(run, "scenarios.json")


@builtin("rb-scenario", "(rb-scenario name [version])",
         "A shared scenario or nil: (eval (get it \"source\")) is its simulation, which (fork ...) changes.",
         cost="5 + versions", example='(rb-scenario "nobody-made-this") ;=> nil',
         capability="state")  # fmt: skip
def rb_scenario(run: Run, name: Value, version: Value = None) -> Value:
    return _found(run, "scenarios.json", "rb-scenario", name, version)


@builtin("rb-prompts", "(rb-prompts)", "The prompts that agents share: name, author, doc, version, uses.",
         cost="3 + 6 for each", example="(list? (rb-prompts)) ;=> #t", capability="state")  # fmt: skip
def rb_prompts(run: Run) -> Value:
    return _listed(run, "prompts.json")


@builtin("rb-prompt", "(rb-prompt name [version])", "A shared prompt, or nil: its text is under \"text\".",
         cost="5 + versions", example='(rb-prompt "nobody-made-this") ;=> nil',
         capability="state")  # fmt: skip
def rb_prompt(run: Run, name: Value, version: Value = None) -> Value:
    return _found(run, "prompts.json", "rb-prompt", name, version)
