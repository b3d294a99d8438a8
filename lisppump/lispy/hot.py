"""What becomes of a procedure or a loop that turned hot (heat.py): a Python function in place of closures."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from lisppump.lispy.calls import Builtin, Frame, Template, spread
from lisppump.lispy.hotcalls import kind_of
from lisppump.lispy.hotcode import (
    ANY,
    FLOAT,
    INT,
    RETURN,
    Emitter,
    Unfit,
    assigned,
    attribute,
    called,
    compared,
    const,
    every,
    name,
    negation,
    step,
    stored,
    typed,
)
from lisppump.lispy.hotforms import STATEMENTS, VALUES, loop_turns, repeat_turns, while_turns
from lisppump.lispy.hotsupport import cold as cold
from lisppump.lispy.hotsupport import names as names
from lisppump.lispy.names import Cell
from lisppump.lispy.resolve import place as place_in
from lisppump.lispy.run import Run
from lisppump.lispy.tree import Body, Lambda, Let, Local, Loop, Repeat, SetLocal, Tree, Try, Variable, While
from lisppump.lispy.values import Value

Turning = Loop | While | Repeat
NOBODY = object()  # stands for the closure where a procedure is called by its frame
UNFIT = (Unfit, RecursionError, SyntaxError, ValueError)


def procedure(template: Template, frame: Frame | None, names: dict[str, Any]) -> Any:
    """The factory of a procedure, for arguments like those in the frame, or None where there can be none."""
    kinds: dict[Variable, str] = {}
    for variable, value in zip(template.tree.parameters, frame or (), strict=False):
        kind = {int: INT, float: FLOAT}.get(value.__class__)
        if kind is not None and not (variable.assigned or variable.boxed):
            kinds[variable] = kind
    try:
        return _Procedure(template, kinds).made(names)
    except UNFIT:
        return None


def loop(
    tree: Turning,
    procedure: Lambda,
    missing: Callable[[str, Any], Value],
    frame: Frame | None,
    names: dict[str, Any],
) -> Any:
    """The function of a loop, for variables like those in the frame, or None where there can be none.

    For others it gets itself a more general one.
    """

    def general(*given: Any) -> Value:
        other = _Unit(tree, procedure, missing, None).made(names)
        unit.__globals__["general"] = other  # from now on, without going through here
        return other(*given)

    try:
        unit = _Unit(tree, procedure, missing, frame).made({**names, "general": general})
        return unit
    except UNFIT:
        return None


def steady(cell: Cell) -> Builtin | None:
    """The builtin that a global name has and that no program has rebound."""
    builtin = cell.builtin
    return builtin if isinstance(builtin, Builtin) and cell.value is builtin else None


def adapter(run: Run, template: Template) -> Callable[[Frame], Value]:
    """A hot procedure as the first tier calls it: the caller has counted, so that here it is taken back."""
    factory, count = template.factory, len(template.tree.parameters)
    free = len(template.tree.free)
    alone = factory(NOBODY) if not free else None

    def body(frame: Frame) -> Value:
        fast = alone if alone is not None else factory(NOBODY, *frame[count : count + free])
        run.depth -= 1
        run.meter.steps -= 1
        value = spread(fast, frame, count)
        run.depth += 1
        return value

    return body


class _Code:
    """What procedures and loops have in common on their way to a function."""

    def __init__(self, missing: Callable[[str, Any], Value], *, unit: bool) -> None:
        self.emitter = Emitter(VALUES, STATEMENTS, kind_of, steady=steady, unit=unit)
        self.emitter.places.append((None, None, False))  # line 1: what has no place
        self.missing = missing

    def note_sources(self, tree: Tree) -> None:
        """Remember what variables that never change are bound to."""
        for item in every(tree):
            if isinstance(item, Let):
                bound = {variable: value for variable, value in item.bindings if not variable.assigned}
                self.emitter.sources.update(bound)

    def function(self, names: dict[str, Any], definition: ast.FunctionDef, **more: Any) -> Any:
        """Compile a definition and give what it defines."""
        ast.fix_missing_locations(definition)
        definition.lineno = definition.end_lineno = 1
        scope = {**names, **self.emitter.table, **more}
        scope |= {"PLACES": self.emitter.places, "missing": self.missing}
        exec(compile(ast.Module([definition], []), "<lispy>", "exec"), scope)
        return scope[definition.name]


def _guarded(body: list[ast.stmt], ending: list[ast.stmt]) -> ast.Try:
    """A body whose errors find their places."""
    placed = called("place", name("error"), name("PLACES"), name("called"))
    handler = ast.ExceptHandler(name("LispyError"), "error", [ast.Expr(placed), ast.Raise()])
    return ast.Try(body, [handler], [], ending)


def _definition(word: str, arguments: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    taken = ast.arguments([], [ast.arg(argument) for argument in arguments], None, [], [], None, [])
    return ast.FunctionDef(word, taken, body, [], lineno=1, col_offset=0)


class _Procedure(_Code):
    """A procedure as a factory: a function of the closure and of what it captured, giving the fast one."""

    def __init__(self, template: Template, kinds: dict[Variable, str]) -> None:
        super().__init__(template.missing, unit=False)
        self.template = template
        self.guesses = kinds

    def made(self, names: dict[str, Any]) -> Any:
        """The factory; where turns do not keep what is assumed of parameters, made again without that."""
        tree, emitter = self.template.tree, self.emitter
        emitter.procedure = tree
        emitter.me = self.template.cell
        emitter.parameters = tree.parameters
        used = {item.variable for item in every(tree.body) if isinstance(item, Local)}
        guesses = {variable: kind for variable, kind in self.guesses.items() if variable in used}
        emitter.kinds.update(guesses)
        self.note_sources(tree.body)
        with emitter.within() as body:
            emitter.emit(tree.body, RETURN)
        if emitter.broken & set(guesses):
            kept = {variable: kind for variable, kind in guesses.items() if variable not in emitter.broken}
            return _Procedure(self.template, kept).made(names)
        self.template.kinds = guesses
        boxes = [
            assigned(word, ast.List([name(word)], ast.Load()))
            for word in (emitter.local(variable) for variable in tree.parameters if variable.boxed)
        ]
        body = [*boxes, *body]
        if emitter.turns:
            body = [ast.While(const(True), body, [])]
        arguments = [emitter.local(variable) for variable in tree.parameters]
        captured = [emitter.local(variable) for variable in tree.free]
        inside = [*self._guards(guesses, arguments, captured), *self._entrance(), _guarded(body, [])]
        if not emitter.counts:
            inside = _without(inside, emitter.surfaces)
        outer = [_definition("itself", arguments, inside), ast.Return(name("itself"))]
        return self.function(names, _definition("make", ["me", *captured], outer), TEMPLATE=self.template)

    def _guards(
        self, guesses: dict[Variable, str], arguments: list[str], captured: list[str]
    ) -> list[ast.stmt]:
        """Arguments unlike those that the code is made for go to other code."""
        tests: list[ast.expr] = [
            negation(typed(name(self.emitter.local(variable)), "int" if kind == INT else "float"))
            for variable, kind in guesses.items()
        ]
        if not tests:
            return []
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
        caught = ast.Tuple([name(word) for word in captured], ast.Load())
        other = called("other", name("TEMPLATE"), name("me"), caught)
        return [ast.If(test, [ast.Return(called(other, *map(name, arguments)))], [])]

    def _entrance(self) -> list[ast.stmt]:
        """Count the depth and a step."""
        run = name("run")
        too_deep = compared(name("depth"), ast.GtE(), attribute(run, "deepest"))
        sunk = assigned(stored(run, "depth"), ast.BinOp(name("depth"), ast.Add(), const(1)))
        self.emitter.surfaces.append(sunk)
        return [
            assigned("depth", attribute(run, "depth")),
            ast.If(too_deep, [ast.Raise(called("deep", run))], []),
            sunk,
            *step("looked"),
            assigned("called", const(None)),
        ]


class _Unit(_Code):
    """A loop in a procedure of the first tier: a function of that procedure's frame."""

    def __init__(
        self,
        tree: Turning,
        procedure: Lambda,
        missing: Callable[[str, Any], Value],
        frame: Frame | None,
    ) -> None:
        super().__init__(missing, unit=True)
        self.frame = frame
        self.tree = tree
        self.procedure = procedure
        self.emitter.procedure = procedure

    def made(self, names: dict[str, Any]) -> Any:
        """The function: variables come out of the frame, and those that change go back into it."""
        tree, emitter = self.tree, self.emitter
        self.note_sources(tree)
        self._guess()
        arguments = ["frame"]
        with emitter.within() as body:
            if isinstance(tree, Loop):
                loop_turns(emitter, tree, RETURN)
            elif isinstance(tree, While):
                while_turns(emitter, tree)
                emitter.add(ast.Return(const(None)))
            else:
                arguments += ["turn", "times"]
                repeat_turns(emitter, tree, "turn", "times")
                emitter.add(ast.Return(const(None)))
        inside = _declared(tree)
        outside = [variable for variable in emitter.names if variable not in inside]
        loads: list[ast.stmt] = [
            assigned(emitter.local(variable), self._slot(variable, ast.Load())) for variable in outside
        ]
        changed = {item.variable for item in every(tree) if isinstance(item, SetLocal)}
        if isinstance(tree, Repeat):
            changed.add(tree.variable)
        stores: list[ast.stmt] = [
            ast.Assign([self._slot(variable, ast.Store())], name(emitter.local(variable)))
            for variable in outside
            if variable in changed and (not variable.boxed or variable is getattr(tree, "variable", None))
        ]
        unlike: list[ast.expr] = [
            negation(typed(name(emitter.local(variable)), "int" if kind == INT else "float"))
            for variable, kind in self.guesses.items()
            if variable in outside and emitter.kinds.get(variable) == kind
        ]
        if unlike:
            other = called("general", *map(name, arguments))
            test = unlike[0] if len(unlike) == 1 else ast.BoolOp(ast.Or(), unlike)
            loads.append(ast.If(test, [ast.Return(other)], []))
        whole = [*loads, assigned("called", const(None)), _guarded(body, stores)]
        return self.function(names, _definition("unit", arguments, whole))

    def _guess(self) -> None:
        """Assume that variables from outside that never change are of the kind that they are of now."""
        self.guesses: dict[Variable, str] = {}
        own = self.tree.label.parameters if isinstance(self.tree, Loop) else []
        for item in every(self.tree) if self.frame is not None else ():
            variable = getattr(item, "variable", None) if isinstance(item, Local) else None
            if variable is None or variable.assigned or variable.boxed or variable.late:
                continue
            if variable in _declared(self.tree):
                continue
            assert self.frame is not None
            value = self.frame[place_in(variable, self.procedure)]
            kind = {int: INT, float: FLOAT}.get(value.__class__)
            if kind is not None:
                self.guesses[variable] = kind
        self.emitter.kinds.update(self.guesses)
        self.emitter.begun.update({variable: self.guesses.get(variable, ANY) for variable in own})

    def _slot(self, variable: Variable, context: ast.expr_context) -> ast.expr:
        return ast.Subscript(name("frame"), const(place_in(variable, self.procedure)), context)


def _declared(tree: Turning) -> set[Variable]:
    """The variables that begin inside a loop; what it turns on itself lies in the frame."""
    found: set[Variable] = set()
    for item in every(tree):
        if isinstance(item, Let):
            found.update(variable for variable, _ in item.bindings)
        elif isinstance(item, Body):
            found.update(item.variables)
        elif isinstance(item, Loop) and item is not tree:
            found.update(item.label.parameters)
        elif isinstance(item, Try) or (isinstance(item, Repeat) and item is not tree):
            found.add(item.variable)
    return found


def _without(block: list[ast.stmt], gone: list[ast.stmt]) -> list[ast.stmt]:
    """A block without some statements, wherever they stand in it."""
    marks = {id(statement) for statement in gone}
    kept = [statement for statement in block if id(statement) not in marks]
    for statement in kept:
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(statement, part, None)
            if inner:
                setattr(statement, part, _without(inner, gone) or [ast.Pass()])
    return kept
