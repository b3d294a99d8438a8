"""When a procedure or a loop turns hot. What it becomes then, hot.py makes, imported at that moment.

A hot procedure is called in three ways. From the first tier through `template.body`, which takes a frame and
whose caller counts depth and steps. From hot code through `closure.fast`, a function of the arguments and of
the depth of who calls, which counts by itself. From builtins through the function that `callback` gives, of
the arguments alone. All count the same. Hot code relies on global names that one place alone gives a value;
when another one does, all hot code is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from lisppump.lispy.calls import Builtin, Closure, Code, Frame, Template
from lisppump.lispy.names import Cell
from lisppump.lispy.run import Run
from lisppump.lispy.tree import Global, Lambda, Loop, Repeat, Tree, While, toll
from lisppump.lispy.values import Keyword, Procedure, Symbol, Value

HOT = 50  # calls of a procedure, or turns of a loop, after which it is worth Python code
MOST_ARGUMENTS = 6  # that a procedure may take to turn hot
PLAIN = frozenset((int, float, str, bool, Symbol, Keyword))  # of values that reach nothing else
FEW = 256  # closures that are remembered before it is looked which of them are gone

Turning = Loop | While | Repeat


class Watched(Template):
    """What all closures of a lambda share that may turn hot. Who counts its calls does not keep it."""

    __slots__ = ("__weakref__",)


class Heat:
    """The hot code of one runtime. It keeps neither the run nor what has not turned hot."""

    __slots__ = (
        "_closures", "_hot", "_leaps", "_loops", "_many", "_names", "_sizes", "_targets", "_templates",
        "after", "frozen", "keeper", "winds",
    )  # fmt: skip

    def __init__(self) -> None:
        self.after = HOT
        self.keeper: Any = None  # what has to live as long as the run does
        self.frozen = False  # programs that use eval may rebind anything while hot code runs
        self.winds = False  # some procedure or loop may go on for long
        self._hot: Any = None  # hot.py, once something turned hot

    @property
    def is_new(self) -> bool:
        """Whether nothing that ran has left anything here."""
        return self._hot is None and not (self.winds or self.frozen)

    def is_eval(self, cell: Cell) -> bool:
        """Whether a name stands for what runs programs in the middle of others."""
        return isinstance(cell.builtin, Builtin) and cell.builtin.spec.name == "eval"

    def freeze(self) -> None:
        """Make no hot code from now on."""
        self.frozen = True
        self.cool()

    def unsettle(self, cell: Cell, *, once: bool = False) -> None:
        """A place gives a global name a value, `once` if it does so only once.

        Hot code that relies on another value is dropped.
        """
        cell.writers += 1 if once else 2
        if cell.builtin is not None or (cell.relied and cell.writers > 1):
            cell.builtin = None
            cell.relied = False
            self.cool()

    def _begin(self) -> None:
        """Nothing is hot."""
        self._templates: list[Template] = []
        self._loops: list[Turning] = []
        self._closures: list[ref[Closure]] = []
        self._many = FEW
        self._targets: dict[Closure, list[tuple[dict[str, Any], str]]] = {}  # who calls them by what name
        self._leaps: dict[Lambda, bool] = {}
        self._sizes: dict[Lambda, int] = {}

    def cool(self) -> None:
        """Drop all hot code; what is worth it turns hot again."""
        if self._hot is None:
            return
        for template in self._templates:
            template.factory = template.entry = None
            template.turning = {}
            template.heat = 0
            template.body = template.warm
        for tree in self._loops:
            tree.unit = None
            tree.turns = 0
        for known in self._closures:
            closure = known()
            if closure is not None:
                closure.fast = None
        self._begin()

    def _second_tier(self, run: Run) -> Any:
        """What makes hot code; None where the stack has no room left to import it."""
        if self._hot is None:
            try:
                from lisppump.lispy import hot
            except RecursionError:
                return None
            self._names: dict[str, Any] = hot.names(run, self)  # those that hot code knows
            self._begin()
            self._hot = hot
        return self._hot

    # -- what global names stand for

    def builtin(self, operator: Tree) -> Builtin | None:
        """The builtin that a name stands for which no program has rebound."""
        if not isinstance(operator, Global):
            return None
        builtin = operator.cell.builtin
        return builtin if isinstance(builtin, Builtin) and operator.cell.value is builtin else None

    def counts(self, operator: Tree) -> bool:
        """Whether what is called adds, takes or multiplies, or is none of the language."""
        builtin = self.builtin(operator)
        return builtin is None or builtin.spec.name in ("+", "-", "*", "inc", "dec")

    def closure(self, operator: Tree) -> Closure | None:
        """The procedure that a name stands for which one place alone gives a value."""
        if not isinstance(operator, Global):
            return None
        cell = operator.cell
        value = cell.value
        if not isinstance(value, Closure):
            return None
        if cell.builtin is not value and (cell.builtin is not None or cell.writers != 1):
            return None
        cell.relied = True
        return value

    def is_constant(self, cell: Cell) -> bool:
        """Whether a global name stands for plain data, to which one place alone gives it."""
        if cell.value.__class__ not in PLAIN or cell.builtin is not None or cell.writers != 1:
            return False
        cell.relied = True
        return True

    def is_of(self, operator: Tree, template: Template | None) -> bool:
        """Whether a name is certain to stand for a procedure of a template that has but one kind of them."""
        if template is None or template.free:
            return False
        closure = self.closure(operator)
        return closure is not None and closure.template is template

    def leaps(self, procedure: Lambda) -> bool:
        """Whether a procedure's function may leave a call to who waits for the value."""
        known = self._leaps.get(procedure)
        if known is None:
            self._leaps[procedure] = True  # what calls each other in circles does
            known = self._leaps[procedure] = self._hot.leaps(procedure, self)
        return known

    def size_of(self, procedure: Lambda) -> int:
        """How many trees a procedure has whose body may take the place of calls of it; 0 where it may not."""
        known = self._sizes.get(procedure)
        if known is None:
            known = self._sizes[procedure] = self._hot.size_of(procedure, self)
        return known

    # -- procedures

    def watch(
        self,
        template: Watched,
        tree: Lambda,
        missing: Callable[[str, Any], Value],
        make: Callable[[], Code],
    ) -> None:
        """See to a procedure's code: none until its first call, that of the first tier until it is hot."""
        known = ref(template)
        tree.made = known
        template.tree = tree
        template.free = len(tree.free)
        template.missing = missing
        fresh = True
        many = len(tree.arguments) if len(tree.arguments) > MOST_ARGUMENTS else 0
        more = many + toll(tree.nodes)
        if more:
            template.entry = False
            template.turning = dict.fromkeys(("each", "filter", "fold", "fold-back"), False)

        def first(frame: Frame) -> Value:
            nonlocal fresh
            template = known()
            if template is None:  # nobody can call it again
                return make()(frame)
            if fresh:
                body = make()
                fresh = False
                if more:
                    body = _paying(template.run, more, body)
                elif not self.frozen:
                    body = self._counting(known, body)
                template.warm = template.body = body
            return template.body(frame)

        template.warm = template.body = first

    def _counting(self, known: ref[Watched], body: Code) -> Code:
        """Code that counts its calls until it is hot."""

        def warm(frame: Frame) -> Value:
            template = known()
            if template is None:
                return body(frame)
            template.heat += 1
            if template.heat < self.after or self.frozen:
                return body(frame)
            if not self._compile(template, frame):
                template.body = body
            return template.body(frame)

        return warm

    def _compile(self, template: Template, frame: Frame | None) -> bool:
        """Make Python code of a procedure, for arguments like these."""
        hot = self._second_tier(template.run)
        template.factory = hot and hot.procedure(template, frame, self._names, self)
        if template.factory is None:
            return False
        template.body = hot.adapter(template.run, template)
        self._templates.append(template)
        return True

    def ready(self, closure: Closure) -> Any:
        """The function of a closure that hot code calls; a slower one where it is not hot."""
        template = closure.template
        if template.factory is None:
            fast = self._second_tier(template.run).cold(template.run, closure)
        else:
            fast = template.factory(closure, *closure.tail[: template.free])
            self._closures.append(ref(closure))
            if len(self._closures) > self._many:
                self._closures = [known for known in self._closures if known() is not None]
                self._many = max(FEW, 2 * len(self._closures))
        self._settle(closure, fast)
        return fast

    def _settle(self, closure: Closure, fast: Any) -> None:
        """Let everybody call a closure by this function from now on."""
        closure.fast = fast
        if closure in self._targets:
            for scope, word in self._targets[closure]:
                scope[word] = fast

    def aim(self, closure: Closure, scope: dict[str, Any], word: str) -> None:
        """Hot code calls a closure by a word in its scope."""
        self._targets.setdefault(closure, []).append((scope, word))
        scope[word] = closure.fast or self.ready(closure)

    def other(self, template: Template, closure: Any, captured: tuple[Value, ...]) -> Any:
        """The function for arguments unlike those that the code was made for: from now on, for any.

        What was fit for some arguments is fit for any, if the stack has room left to make it.
        """
        if (template.kinds or template.factory is None) and not self._compile(template, None):
            raise RecursionError("there is no room to make a procedure's code")
        fast = template.factory(closure, *captured)
        if self.frozen:
            self.cool()  # this call alone goes on as it began
        elif closure.__class__ is Closure:
            self._settle(closure, fast)
        return fast

    def callback(self, closure: Closure, arguments: tuple[Value, ...] | None) -> Any:
        """The function of a closure that builtins call, made for arguments like these; None without any."""
        template = closure.template
        if template.entry is None:
            template.entry = self._entry("entry", template, arguments)
        return template.entry(closure, *closure.tail[: template.free]) if template.entry else None

    def once(self, procedure: Procedure, value: Value) -> Any:
        """The same where it is called with one argument now and then; None where it is not hot."""
        if procedure.__class__ is not Closure or procedure.arity != 1:
            return None
        template = procedure.template
        if template.entry is None and template.heat < self.after - 1:
            return None
        return self.callback(procedure, (value,))

    def _entry(self, mode: str, template: Template, arguments: tuple[Value, ...] | None) -> Any:
        hot = None if self.frozen else self._second_tier(template.run)
        if hot is None:
            return False
        self._templates.append(template)
        return hot.entry(mode, template, arguments, self._names, self) or False

    def each(self, procedure: Procedure, items: list[Value], mode: str = "each") -> list[Value] | None:
        """The results of a procedure for each of many elements; None where it is not worth it.

        In mode "filter" the elements for which it is true.
        """
        if procedure.__class__ is not Closure or procedure.arity != 1:
            return None
        template = procedure.template
        factory = template.turning.get(mode)
        if factory is None:
            factory = self._turning(mode, template, items, items[:1])
        return factory(procedure, *procedure.tail[: template.free])(items) if factory else None

    def fold(self, procedure: Procedure, total: Value, items: list[Value], mode: str) -> tuple[Value] | None:
        """What a procedure makes of a total and of many elements in turn; None where it is not worth it.

        In mode "fold" it gets the total first, in mode "fold-back" the element.
        """
        if procedure.__class__ is not Closure or procedure.arity != 2:
            return None
        template = procedure.template
        factory = template.turning.get(mode)
        if factory is None:
            like = [total, *items[:1]] if mode == "fold" else [*items[:1], total]
            factory = self._turning(mode, template, items, like)
        return (factory(procedure, *procedure.tail[: template.free])(total, items),) if factory else None

    def _turning(self, mode: str, template: Template, items: list[Value], like: list[Value]) -> Any:
        """What makes such a function, once there are enough elements."""
        if not items or template.heat + len(items) < self.after:
            return None
        factory = template.turning[mode] = self._entry(mode, template, tuple(like))
        return factory

    def other_entry(
        self, mode: str, template: Template, closure: Closure, captured: tuple[Value, ...]
    ) -> Any:
        """The function of a way of calling for any arguments, from now on."""
        hot = self._second_tier(template.run)
        factory = hot and hot.entry(mode, template, None, self._names, self)
        if not factory:
            raise RecursionError("there is no room to make a procedure's code")
        if not self.frozen:  # else what is going on alone ends as it began
            self._templates.append(template)
            if mode == "entry":
                template.entry = factory
            else:
                template.turning[mode] = factory
        return factory(closure, *captured)

    # -- loops

    def loop(
        self,
        run: Run,
        tree: Turning,
        procedure: Lambda,
        missing: Callable[[str, Any], Value],
        frame: Frame,
    ) -> Any:
        """A function of the frame (and, of a dotimes, its turn and count) that goes on with a loop, or None.

        It is made for variables like those in the frame.
        """
        hot = None if self.frozen else self._second_tier(run)
        if hot is None:
            return None
        self._loops.append(tree)
        return hot.loop(tree, procedure, missing, frame, self._names, self)


def _paying(run: Run, count: int, body: Code) -> Code:
    """Code of a procedure that stays slow, of many arguments or much of a program: it takes more steps."""

    def paid(frame: Frame) -> Value:
        run.meter.charge(count)
        return body(frame)

    return paid
