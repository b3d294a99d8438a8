"""What becomes of a procedure or a loop that turned hot (heat.py): a Python function in place of closures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from lisppump.lispy.calls import Frame, Template, spread_at
from lisppump.lispy.hotcalls import builtin_of, calls_itself, closure_of, kind_of, leaps_by_apply
from lisppump.lispy.hotcode import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    LARGE,
    NEAR,
    NUM,
    NUMERIC,
    RETURN,
    Emitter,
    Unfit,
    either,
    every,
    kind_of_value,
)
from lisppump.lispy.hotflow import settle
from lisppump.lispy.hotforms import STATEMENTS, VALUES, loop_turns, repeat_turns, while_turns
from lisppump.lispy.hotgroups import assume, group_of
from lisppump.lispy.hotinline import size_of as size_of
from lisppump.lispy.hotlocal import localized
from lisppump.lispy.hotsupport import cold as cold
from lisppump.lispy.hotsupport import names as names
from lisppump.lispy.hottext import Block, Rare, text_of, typed, wholly
from lisppump.lispy.resolve import place as place_in
from lisppump.lispy.run import Run
from lisppump.lispy.tree import (
    Body,
    Call,
    Lambda,
    Let,
    Local,
    Loop,
    Repeat,
    SetLocal,
    Tree,
    Try,
    Variable,
    While,
)
from lisppump.lispy.values import Value

Turning = Loop | While | Repeat
NOBODY = object()  # stands for the closure where a procedure is called by its frame
COMPILED = 512  # texts whose code is kept
UNFIT = (Unfit, RecursionError, SyntaxError, ValueError, MemoryError)
NUMBERS = frozenset({INT, NEAR, FLOAT})  # what is looked for in arguments


def procedure(template: Template, frame: Frame | None, names: dict[str, Any], heat: Any) -> Any:
    """The factory of a procedure, for arguments like those in the frame, or None where there can be none.

    Without a frame it is for arguments less alike than those that there is one for.
    """
    if frame is not None or NEAR not in template.kinds.values():
        return _made(template, frame, names, heat, "procedure")
    kinds = {variable: INT if kind == NEAR else kind for variable, kind in template.kinds.items()}
    try:
        return _Procedure(template, kinds, heat, "procedure").made(names)
    except UNFIT:
        return None


def entry(mode: str, template: Template, arguments: Any, names: dict[str, Any], heat: Any) -> Any:
    """The factory of what builtins call a procedure by, in one of their ways, or None."""
    return _made(template, arguments, names, heat, mode)


def _made(template: Template, values: Any, names: dict[str, Any], heat: Any, mode: str) -> Any:
    kinds: dict[Variable, str] = {}
    for variable, value in zip(template.tree.parameters, values or (), strict=False):
        kind = kind_of_value(value)
        if kind in NUMBERS and not variable.boxed:
            kinds[variable] = kind
    try:
        return _Procedure(template, kinds, heat, mode).made(names)
    except UNFIT:
        return None


def loop(
    tree: Turning,
    procedure: Lambda,
    missing: Callable[[str, Any], Value],
    frame: Frame | None,
    names: dict[str, Any],
    heat: Any,
) -> Any:
    """The function of a loop, for variables like those in the frame, or None where there can be none.

    For others it gets itself a more general one.
    """

    def general(*given: Any) -> Value:
        other = _Unit(tree, procedure, missing, None, heat).made(names)
        unit.__globals__["general"] = other  # from now on, without going through here
        return other(*given)

    try:
        unit = _Unit(tree, procedure, missing, frame, heat).made({**names, "general": general})
        return unit
    except UNFIT:
        return None


def leaps(procedure: Lambda, heat: Any) -> bool:
    """Whether a procedure makes a call in tail position that only a jump is good for."""
    emitter = Emitter(VALUES, STATEMENTS, kind_of, heat, "procedure")
    emitter.procedure = procedure
    for call, turning in procedure.tails or ():
        builtin = builtin_of(emitter, call)
        if builtin is not None:
            if leaps_by_apply(emitter, call, builtin):
                return True
            continue
        if calls_itself(emitter, call):
            if turning:
                return True
            continue
        closure = closure_of(emitter, call)
        if closure is None or heat.leaps(closure.template.tree):
            return True
    return False


@lru_cache(COMPILED)
def _compiled(text: str) -> CodeType:
    """The code of a text; programs that come again, in whatever runtime, have the same text."""
    return compile(text, "<lispy>", "exec")


def adapter(run: Run, template: Template) -> Callable[[Frame], Value]:
    """A hot procedure as the first tier calls it: the caller has counted, so that here it is taken back."""
    factory, count = template.factory, len(template.tree.arguments)
    free = len(template.tree.free)
    alone = factory(NOBODY) if not free else None

    def body(frame: Frame) -> Value:
        fast = alone if alone is not None else factory(NOBODY, *frame[count : count + free])
        depth = run.depth
        run.meter.steps -= 1
        value = spread_at(fast, frame, count, depth - 1)
        run.depth = depth
        return value

    return body


class _Code:
    """What procedures and loops have in common on their way to a function."""

    def __init__(self, missing: Callable[[str, Any], Value], heat: Any, mode: str) -> None:
        self.emitter = Emitter(VALUES, STATEMENTS, kind_of, heat, mode)
        self.missing = missing

    def note_sources(self, trees: list[Tree]) -> None:
        """Remember what variables that never change are bound to."""
        for item in trees:
            if isinstance(item, Let):
                bound = {variable: value for variable, value in item.bindings if not variable.assigned}
                self.emitter.sources.update(bound)

    def function(self, names: dict[str, Any], block: Block, word: str, **more: Any) -> Any:
        """Compile a definition and give what it defines."""
        emitter = self.emitter
        gone = "" if emitter.counts else emitter.rise  # nothing has gone deeper
        text, places = text_of(localized(block), emitter.places, gone)
        code = _compiled(text)
        scope = {**names, **emitter.table, **more, "PLACES": places, "missing": self.missing}
        for closure, target in emitter.known.items():
            emitter.heat.aim(closure, scope, target)
        exec(code, scope)
        return scope[word]

    def guarded(self, body: Block, *more: str) -> Block:
        """A body whose errors find their places."""
        called = "called" if self.emitter.asks else "None"
        handler = (
            "except LispyError as error:",
            [f"place(error, PLACES, {called})", *more, "raise"],
        )
        return [*(["called = None"] if self.emitter.asks else []), ("try:", body), handler]


class _Procedure(_Code):
    """A procedure as a factory: a function of the closure and of what it captured, giving the fast one."""

    def __init__(self, template: Template, kinds: dict[Variable, str], heat: Any, mode: str) -> None:
        super().__init__(template.missing, heat, mode)
        self.template = template
        self.guesses = kinds
        self.mode = mode

    def made(self, names: dict[str, Any]) -> Any:
        """The factory; where turns do not keep what is assumed of parameters, made again without that."""
        tree, emitter = self.template.tree, self.emitter
        emitter.procedure = tree
        if self.mode == "filter" and tree.parameters[0].assigned:
            raise Unfit  # what is kept is the element, not what it is set to
        trees = every(tree.body)
        used = {item.variable for item in trees if isinstance(item, Local)}
        guesses = {variable: kind for variable, kind in self.guesses.items() if variable in used}
        total = tree.parameters[:1] if self.mode == "fold" else tree.parameters[-1:]
        if emitter.entry:
            counted = self._counted(trees).difference(total if self.mode.startswith("fold") else ())
            for variable, kind in guesses.items():
                if kind == NEAR and variable not in counted:
                    guesses[variable] = INT  # nothing comes of its being near, or it grows
        emitter.kinds.update(guesses)
        emitter.assumed = guesses
        self.note_sources(trees)
        settle(emitter, trees, guesses)
        self._guess_result(trees, guesses)
        grouped = group_of(emitter, tree) if self.mode == "procedure" and emitter.heat.leaps(tree) else []
        emitter.group = {each: number for number, each in enumerate(grouped)}
        assume(emitter, grouped, guesses)
        body = self._body(tree)
        if grouped:
            bodies = [body, *map(self._body, grouped[1:])]
            body = [(f"{'el' if at else ''}if state == {at}:", each) for at, each in enumerate(bodies)]
            emitter.turns = True
            emitter.procedure = tree
        if emitter.broken.keys() & guesses.keys():
            left = {variable: emitter.broken.get(variable, kind) for variable, kind in guesses.items()}
            kept = {variable: kind for variable, kind in left.items() if kind in NUMBERS}
            return _Procedure(self.template, kept, emitter.heat, self.mode).made(names)
        captured = [emitter.local(variable) for variable in tree.free]
        shape = self._turning if emitter.next is not None else self._calling
        arguments, inside = shape(body, guesses, captured)
        given = ", ".join(arguments)
        functions: Block = [(f"def itself({given}):", inside)]
        if emitter.within_itself:  # what calls itself need not look at its arguments again
            guards = inside[:1]
            functions = [
                (f"def inner({given}):", inside[1:]),
                (f"def itself({given}):", [*guards, f"return inner({given})"]),
            ]
        block: Block = [(f"def make({', '.join(['me', *captured])}):", [*functions, "return itself"])]
        return self.function(names, block, "make", TEMPLATE=self.template)

    def _counted(self, trees: list[Tree]) -> set[Variable]:
        """The variables that something is added to or taken from, or that are given to procedures."""
        return {
            operand.variable
            for item in trees
            if isinstance(item, Call)
            for operand in item.operands
            if isinstance(operand, Local) and self.emitter.heat.counts(item.operator)
        }

    def _body(self, tree: Lambda) -> Block:
        """The lines of a procedure's body; arguments that closures share and that change are boxed before."""
        emitter = self.emitter
        emitter.procedure = tree
        with emitter.within() as body:
            emitter.emit(tree.body, RETURN)
        boxed = [emitter.local(variable) for variable in tree.arguments if variable.boxed]
        return [*(f"{word} = [{word}]" for word in boxed), *body]

    def _calling(
        self, body: Block, guesses: dict[Variable, str], captured: list[str]
    ) -> tuple[list[str], Block]:
        """The arguments and lines of a function that is called once for each value."""
        emitter = self.emitter
        if emitter.turns:
            body = [*(["state = 0"] if emitter.group else []), ("while True:", body)]
        arguments = [emitter.local(variable) for variable in self.template.tree.arguments]
        given = arguments if emitter.entry else [*arguments, "depth"]
        unlike = f"{self._other(captured)}({', '.join(given)})"
        guards = self._guards(guesses, [f"return {unlike}"])
        deepens = ["level = depth + 1"] if emitter.deepens else []
        if not emitter.entry:
            self.template.kinds = guesses
            deep, look = "deep", "looked(meter)"
        else:
            guards.append("depth = run.depth")
            deep, look = "too_deep", "meter.look()"
        entrance: Block = [
            ("if depth >= run.deepest:", [f"raise {deep}(run)"]),
            *deepens,
            "meter = run.meter",
            "meter.steps = steps = meter.steps + 1",
            ("if steps > meter.next_look:", [look]),
        ]
        named = f"blame(error, None, {emitter.held(self.template.name)})"
        more = [named] if emitter.entry else []
        return given, [*guards, *entrance, *self.guarded(body, *more)]

    def _turning(
        self, body: Block, guesses: dict[Variable, str], captured: list[str]
    ) -> tuple[list[str], Block]:
        """The arguments and lines of a function that is called once for many values in turn."""
        emitter, parameters = self.emitter, self.template.tree.parameters
        words = [emitter.local(variable) for variable in parameters]
        word = words[0] if self.mode == "fold-back" else words[-1]
        total = words[-1] if self.mode == "fold-back" else words[0]
        each = self.mode in ("each", "filter")
        rest = f"{self._other(captured)}({'' if each else 'total, '}[{word}, *rest])"
        unlike = emitter.at(f"made + {rest}" if each else rest, None, of=False)
        inside: Block = [
            *([] if each else [f"{total} = total"]),
            *self._guards(guesses, ["run.depth = depth", f"return {unlike}"]),
            "meter.steps = steps = meter.steps + 1",
            ("if steps > meter.next_look:", [emitter.at("meter.look()", None, of=False)]),
        ]
        name = emitter.held(self.template.name)
        handler = f"passed(error, PLACES, {'called' if emitter.asks else 'None'}, {name})"
        lines: Block = [
            "depth = run.depth",
            ("if items and depth >= run.deepest:", ["raise too_deep(run)"]),
            *(["level = depth + 1"] if emitter.deepens else []),
            "meter = run.meter",
            *(["made = []", "put = made.append"] if each else []),
            *(["called = None"] if emitter.asks else []),
            "rest = iter(items)",
            ("try:", [(f"for {word} in rest:", [*inside, *body])]),
            ("except LispyError as error:", [handler, "raise"]),
            *(["run.depth = depth"] if emitter.counts else []),
            f"return {'made' if each else 'total'}",
        ]
        return (["items"] if each else ["total", "items"]), lines

    def _guess_result(self, trees: list[Tree], guesses: dict[Variable, str]) -> None:
        """Assume that the value is of a kind if it is so where calls of itself are assumed to give that."""
        tree, emitter = self.template.tree, self.emitter
        calls = [item for item in trees if isinstance(item, Call) and calls_itself(emitter, item)]
        if emitter.entry:
            emitter.result = emitter.kind(tree.body)
        if not calls or emitter.entry:
            return
        for kind in (NEAR, INT, FLOAT, NUM, BOOL):
            emitter.result = kind
            if emitter.kind(tree.body) == kind and all(
                either(emitter.kind(operand), guesses[variable]) == guesses[variable]
                for call in calls
                for variable, operand in zip(tree.parameters, call.operands, strict=True)
                if variable in guesses
            ):
                return
        emitter.result = ANY

    def _guards(self, guesses: dict[Variable, str], unlike: Block) -> Block:
        """What is done for arguments unlike those that the code is made for."""
        tests = [_is_kind(self.emitter.local(variable), kind) for variable, kind in guesses.items()]
        return [(Rare(f"if not ({wholly(tests)}):"), unlike)] if tests else []

    def _other(self, captured: list[str]) -> str:
        """The code for arguments of any kind."""
        caught = "".join(f"{word}, " for word in captured)
        if self.mode == "procedure":
            return f"other(TEMPLATE, me, ({caught}))"
        return f"other_entry({self.mode!r}, TEMPLATE, me, ({caught}))"


class _Unit(_Code):
    """A loop in a procedure of the first tier: a function of that procedure's frame."""

    def __init__(
        self,
        tree: Turning,
        procedure: Lambda,
        missing: Callable[[str, Any], Value],
        frame: Frame | None,
        heat: Any,
    ) -> None:
        super().__init__(missing, heat, "unit")
        self.frame = frame
        self.tree = tree
        self.procedure = procedure
        self.emitter.procedure = procedure
        self.emitter.plain = frame is None

    def made(self, names: dict[str, Any]) -> Any:
        """The function: variables come out of the frame, and those that change go back into it."""
        tree, emitter = self.tree, self.emitter
        trees = every(tree)
        declared = _declared(tree, trees)
        self.note_sources(trees)
        self._guess(trees, declared)
        arguments = ["frame"]
        with emitter.within() as body:
            if isinstance(tree, Loop):
                loop_turns(emitter, tree, RETURN)
            elif isinstance(tree, While):
                while_turns(emitter, tree)
            else:
                arguments += ["turn", "times"]
                repeat_turns(emitter, tree, "turn", "times")
        outside = [each for each in emitter.names if each not in declared and each not in emitter.foreign]
        loads: Block = [f"{emitter.local(variable)} = {self._slot(variable)}" for variable in outside]
        changed = {item.variable for item in trees if isinstance(item, SetLocal)}
        if isinstance(tree, Repeat):
            changed.add(tree.variable)
        if not isinstance(tree, Loop):
            body.append(emitter.rise)
        stores = [
            f"{self._slot(variable)} = {emitter.local(variable)}"
            for variable in outside
            if variable in changed and (not variable.boxed or variable is getattr(tree, "variable", None))
        ]
        unlike = [
            _is_kind(emitter.local(variable), kind if kind in NUMBERS else guess)
            for variable, guess in self.guesses.items()
            if variable in outside and (kind := emitter.kinds.get(variable, ANY)) in NUMERIC
        ]
        if unlike:
            loads.append((f"if not ({wholly(unlike)}):", [f"return general({', '.join(arguments)})"]))
        loads += ["meter = run.meter", *(["level = run.depth"] if emitter.counts else [])]
        inside = [*loads, *self.guarded(body), *([("finally:", stores)] if stores else [])]
        block: Block = [(f"def unit({', '.join(arguments)}):", inside)]
        return self.function(names, block, "unit")

    def _guess(self, trees: list[Tree], declared: set[Variable]) -> None:
        """Assume that variables from outside are of the kind that they are of now."""
        self.guesses: dict[Variable, str] = {}
        own = self.tree.label.parameters if isinstance(self.tree, Loop) else []
        turned = {*own, getattr(self.tree, "variable", None)}  # what each turn sets anew
        used = [item.variable for item in trees if isinstance(item, Local)]
        for variable in used if self.frame is not None else ():
            if variable.boxed or variable.late or variable in declared:
                continue
            if variable.assigned and variable in turned:
                continue
            assert self.frame is not None
            value = self.frame[place_in(variable, self.procedure)]
            kind = kind_of_value(value)
            if kind in NUMBERS:
                self.guesses[variable] = kind
        self.emitter.kinds.update(self.guesses)
        settle(self.emitter, trees, self.guesses)
        self.emitter.begun.update({variable: self.guesses.get(variable, ANY) for variable in own})

    def _slot(self, variable: Variable) -> str:
        return f"frame[{place_in(variable, self.procedure)}]"


def _is_kind(word: str, kind: str) -> str:
    """Whether what a name holds is a number of a kind."""
    if kind == NEAR:
        return f"{typed(word, 'int')} and {-LARGE} < {word} < {LARGE}"
    return typed(word, "int" if kind == INT else "float")


def _declared(tree: Turning, trees: list[Tree]) -> set[Variable]:
    """The variables that begin inside a loop; what it turns on itself lies in the frame."""
    found: set[Variable] = set()
    for item in trees:
        if isinstance(item, Let):
            found.update(variable for variable, _ in item.bindings)
        elif isinstance(item, Body):
            found.update(item.variables)
        elif isinstance(item, Loop) and item is not tree:
            found.update(item.label.parameters)
        elif isinstance(item, Try) or (isinstance(item, Repeat) and item is not tree):
            found.add(item.variable)
    return found
