"""When a procedure or a loop turns hot. What it becomes then, hot.py makes, imported at that moment.

A hot procedure is called in two ways. From the first tier through `template.body`, which takes a frame and
whose caller counts depth and steps. From the second through `closure.fast`, a function of the arguments that
counts them itself. Both count the same. Hot code relies on builtins that nobody has rebound; when a program
rebinds one, all hot code is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet, ref

from lisppump.lispy.calls import Closure, Code, Frame, Template
from lisppump.lispy.names import Cell
from lisppump.lispy.run import Run
from lisppump.lispy.tree import Lambda, Loop, Repeat, While
from lisppump.lispy.values import Value

HOT = 50  # calls of a procedure, or turns of a loop, after which it is worth Python code
MOST_ARGUMENTS = 6  # that a procedure may take to turn hot


class Watched(Template):
    """What all closures of a lambda share that may turn hot. Who counts its calls does not keep it.

    It does not keep the global name that it is defined as, whose value it may be.
    """

    __slots__ = ("__weakref__", "defined")

    @property
    def cell(self) -> Cell | None:
        """The global name that it is defined as."""
        return None if self.defined is None else self.defined()

    @cell.setter
    def cell(self, cell: Cell | None) -> None:
        self.defined = None if cell is None else ref(cell)


class Heat:
    """The hot code of one runtime. It keeps neither the run nor what has not turned hot."""

    __slots__ = ("_closures", "_hot", "_names", "_templates", "after", "frozen", "keeper")

    def __init__(self) -> None:
        self.after = HOT
        self.keeper: Any = None  # what has to live as long as the run does
        self.frozen = False  # programs that use eval may rebind anything while hot code runs
        self._templates: list[Template] = []
        self._closures: WeakSet[Closure] | None = None
        self._hot: Any = None  # hot.py, once something turned hot
        self._names: dict[str, Any] = {}  # those that hot code knows

    def freeze(self) -> None:
        """Make no hot code from now on."""
        self.frozen = True
        self.cool()

    def unsettle(self, cell: Cell) -> None:
        """A builtin gets another meaning: hot code that relies on it is dropped."""
        if cell.builtin is not None:
            cell.builtin = None
            self.cool()

    def cool(self) -> None:
        """Drop all hot code; what is worth it turns hot again."""
        for template in self._templates:
            template.factory = None
            template.heat = 0
            template.body = template.warm
        self._templates.clear()
        if self._closures is not None:
            for closure in self._closures:
                closure.fast = None
            self._closures = None

    def _second_tier(self, run: Run) -> Any:
        """What makes hot code; None where the stack has no room left to import it."""
        if self._hot is None:
            try:
                from lisppump.lispy import hot
            except RecursionError:
                return None
            self._names = hot.names(run, self)
            self._hot = hot
        return self._hot

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
        template.missing = missing
        fresh = True

        def first(frame: Frame) -> Value:
            nonlocal fresh
            template = known()
            if template is None:  # nobody can call it again
                return make()(frame)
            if fresh:
                body = make()
                fresh = False
                if not self.frozen and tree.rest is None and len(tree.parameters) <= MOST_ARGUMENTS:
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
        template.factory = hot and hot.procedure(template, frame, self._names)
        if template.factory is None:
            return False
        template.body = hot.adapter(template.run, template)
        self._templates.append(template)
        return True

    def ready(self, closure: Closure) -> Any:
        """The function of a closure that takes its arguments; a slower one where it is not hot."""
        template = closure.template
        if template.factory is None:
            return self._second_tier(template.run).cold(template.run, closure)
        free = len(template.tree.free)
        fast = closure.fast = template.factory(closure, *closure.tail[:free])
        if self._closures is None:
            self._closures = WeakSet()
        self._closures.add(closure)
        return fast

    def other(self, template: Template, closure: Any, captured: tuple[Value, ...]) -> Any:
        """The function for arguments unlike those that the code was made for: from now on, for any."""
        if template.kinds and not self._compile(template, None):
            raise AssertionError("what was fit for some arguments is fit for any")
        fast = template.factory(closure, *captured)
        if closure.__class__ is Closure:
            closure.fast = fast
        return fast

    # -- loops

    def loop(
        self,
        run: Run,
        tree: Loop | While | Repeat,
        procedure: Lambda,
        missing: Callable[[str, Any], Value],
        frame: Frame,
    ) -> Any:
        """A function of the frame (and, of a dotimes, its turn and count) that goes on with a loop, or None.

        It is made for variables like those in the frame.
        """
        hot = None if self.frozen else self._second_tier(run)
        return hot and hot.loop(tree, procedure, missing, frame, self._names)
