"""A place where programs run: global names, limits, grants. The only module of LisPy that hosts need."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lisppump.lispy.analyser import FIXED, Analyser
from lisppump.lispy.builtins import BUILTINS, BuiltinSpec
from lisppump.lispy.builtins import load as load_builtins
from lisppump.lispy.calls import Builtin, enter, invoke
from lisppump.lispy.capabilities import State
from lisppump.lispy.compiler import compile_top
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.forms import FORMS
from lisppump.lispy.hot import Heat
from lisppump.lispy.limits import Limits
from lisppump.lispy.names import UNBOUND, Cell, Namespace
from lisppump.lispy.nodes import Node, node_of, standing
from lisppump.lispy.printer import to_json, to_text
from lisppump.lispy.reader import read
from lisppump.lispy.resolve import resolve
from lisppump.lispy.run import Run
from lisppump.lispy.tree import Lambda, Tree
from lisppump.lispy.values import Procedure, Value

Seed = int | str | tuple[Any, ...]
HOST_FRAMES = 400_000  # Python frames while a program runs; the depth limit of LisPy is meant to come first
EVAL_DEPTH = 20  # levels that compiling inside a run counts as


@dataclass(frozen=True, slots=True)
class Result:
    """What a program came to. `value` is JSON data (None for a procedure), `text` is exact."""

    ok: bool
    value: Any
    text: str
    output: str
    error: LispyError | None
    usage: dict[str, int] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()


class _Library(Namespace):
    """Builtins and prelude as the library's own code sees them, whatever a program binds."""

    __slots__ = ("runtime",)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(lambda name: UNBOUND)
        self.runtime = runtime

    def cell(self, name: str) -> Cell:
        cell = self.cells.get(name)
        if cell is None:
            spec = BUILTINS.get(name)
            builtin = None if spec is None else Builtin(self.runtime.context, spec, name)
            cell = self.cells[name] = Cell(name, UNBOUND if builtin is None else builtin, builtin)
            if builtin is None:
                from lisppump.lispy.library import definition

                node = definition(name)
                if node is not None:
                    self._define(node)
        return cell

    def _define(self, node: Node) -> None:
        """Make a definition of the prelude."""
        with self.runtime.aside():
            self.runtime.perform(node, self)


class _Definitions(Namespace):
    """What a host defines for its programs: made when a name is first missing, apart from their own."""

    __slots__ = ("failed", "read", "runtime")

    def __init__(self, runtime: Runtime, read: Callable[[], Sequence[Node]]) -> None:
        super().__init__(runtime.language)
        self.runtime = runtime
        self.read: Callable[[], Sequence[Node]] | None = read
        self.failed: dict[str | None, LispyError] = {}

    def find(self, name: str) -> Value:
        """The value they give a name, UNBOUND where they give none; its error where they failed to."""
        read, self.read = self.read, None
        if read is not None:
            self._make(read())
        if name in self.failed:
            raise self.failed[name]
        cell = self.cells.get(name)
        return cell.value if cell is not None and name in self.bound else UNBOUND

    def _make(self, nodes: Sequence[Node]) -> None:
        with self.runtime.aside():
            _hide_forms(nodes, self)
            for node in nodes:
                try:
                    self.runtime.perform(node, self)
                except LispyError as error:
                    self.failed[_defined_by(node)] = error


class Runtime:
    """Runs programs one at a time; definitions stay from one to the next. Used by one thread at a time.

    Where a name has no other meaning, and only then, a program finds what `definitions` define, and after
    them `builtins`: they hide nothing, and are not asked for before.
    """

    def __init__(
        self,
        state: State | Mapping[str, Value] | Path | str | None = None,
        allow: Collection[str] = frozenset(),
        limits: Limits | None = None,
        seed: Seed = 0,
        now: str | None = None,
        builtins: Mapping[str, BuiltinSpec] | None = None,
        definitions: Callable[[], Sequence[Node]] = tuple,
        providers: Mapping[str, Any] | None = None,
    ) -> None:
        load_builtins()
        self.limits = limits or Limits()
        self._allow = frozenset(allow)
        self._seed = seed
        self._now = now
        self._providers = dict(providers or {})
        if state is not None:
            self._providers["state"] = as_state(state)
        offered = {} if builtins is None else builtins
        self.context = Run(
            enter, invoke, self._evaluate_here, self._perform_apart, self.language, self._given, offered
        )
        self.context.heat = Heat(self.context)
        self._used: dict[str, Builtin] = {}  # those of `builtins` that some program used
        self._library = _Library(self)
        self._read = definitions
        self._definitions = _Definitions(self, definitions)
        self.globals = Namespace(self.language)

    def run(self, source: str | Node, name: str = "<eval>", keep: str | None = None) -> Result:
        """The result of a program, or of a form that was read; whatever it does wrong is in there.

        `keep` is a global name that gets the value.
        """
        with self._session(self.limits, self._seed, self._now, self._allow, self._providers, None) as run:
            error: LispyError | None = None
            value: Value = None
            text, data = "", None
            form: Node | None = None  # whose value cannot be shown, if it comes to that
            try:
                nodes = self._nodes(source, name)
                value = self._program(nodes)
                form = nodes[-1] if nodes else None
                text = to_text(value, run.meter)
                data = to_json(value, run.meter, procedures=True)
                if keep is not None:
                    self.define(keep, value)
            except LispyError as caught:
                error, text, data = _without_traceback(caught), "", None
                if form is not None:
                    error.located(form.span)
            except (RecursionError, MemoryError) as caught:
                error, text, data = _host_limit(caught), "", None
            return Result(
                error is None,
                data,
                text,
                run.output,
                error,
                {"steps": run.meter.steps, "bytes": run.meter.allocated},
                tuple(sorted(run.used)),
            )

    def evaluate(self, source: str | Node, name: str = "<eval>") -> Value:
        """The value of a program, or of a form that was read; its error is raised."""
        with (
            self._session(self.limits, self._seed, self._now, self._allow, self._providers, None),
            _host_limits(),
        ):
            return self._program(self._nodes(source, name))

    def load_source(self, source: str, name: str) -> None:
        """Take over the definitions of a text."""
        self.evaluate(source, name)

    def call(
        self,
        procedure: Procedure,
        args: Sequence[Value] = (),
        *,
        state: State | Mapping[str, Value] | None = None,
        allow: Collection[str] = frozenset(),
        limits: Limits | None = None,
        seed: Seed = 0,
        now: str | None = None,
        memo: dict[Any, Any] | None = None,
        providers: Mapping[str, Any] | None = None,
    ) -> Value:
        """Call a procedure of this runtime with a meter, dice and grants of its own; its error is raised."""
        given = dict(providers or {})
        if state is not None:
            given["state"] = as_state(state)
        with (
            self._session(limits or self.limits, seed, now, frozenset(allow), given, memo) as run,
            _host_limits(),
        ):
            return invoke(run, procedure, list(args), None)

    def define(self, name: str, value: Value) -> None:
        """Give a global name a value."""
        cell = self.globals.bind(name)
        self.context.heat.unsettle(cell)
        cell.value = value

    def forget_definitions(self) -> None:
        """Read what the host defines anew when a program next needs it."""
        self._definitions = _Definitions(self, self._read)

    def language(self, name: str) -> Value:
        """What the language itself means by a name, UNBOUND if nothing."""
        return self._library.cell(name).value

    def knows(self, name: str) -> bool:
        """True when a global name has a value."""
        cell = self.globals.cells.get(name) or self._library.cell(name)
        return cell.value is not UNBOUND or self._is_given(name)

    def unresolved(self) -> list[tuple[str, LispyError]]:
        """The names that code compiled so far speaks of and nothing binds, each with its error."""
        cells = self.globals.cells.values()
        names = [cell.name for cell in cells if cell.value is UNBOUND and not self._is_given(cell.name)]
        return [(name, self._unbound(name, [])) for name in names]

    def borrowed(self) -> frozenset[str]:
        """The names of `builtins` that code compiled so far speaks of, and does not bind itself."""
        cells = self.globals.cells.values()
        own = ("frame", "agents", *self._definitions.bound)
        names = [cell.name for cell in cells if cell.value is UNBOUND and cell.name not in own]
        return frozenset(name for name in names if name in self.context.offered)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do something that no run pays for, whichever needed it first."""
        run = self.context
        saved = run.save()
        run.begin(Limits(), (0,), None, frozenset(), {})
        try:
            yield
        finally:
            run.restore(saved)

    def perform(self, node: Node, namespace: Namespace) -> Value:
        """The value of one form of the top level of a namespace."""
        analyser = self._analyser(namespace)
        tree = resolve(analyser.program(node))
        return compile_top(self.context, tree, self._missing)()

    def _analyser(self, namespace: Namespace) -> Analyser:
        def evaluate(tree: Tree) -> Value:
            top = resolve(Lambda("", [], None, tree))
            return compile_top(self.context, top, self._missing)()

        return Analyser(self.context, namespace, evaluate, spans=namespace is not self._library)

    def _nodes(self, source: str | Node, name: str) -> list[Node]:
        return read(source, name, self.context.limits) if isinstance(source, str) else [source]

    def _program(self, nodes: list[Node]) -> Value:
        """Run forms in order."""
        # A simulation defines nothing; that is said where it tries to.
        hidden = frozenset() if self.context.sealed else _hide_forms(nodes, self.globals)
        value: Value = None
        try:
            for node in nodes:
                value = self.perform(node, self.globals)
        except BaseException as error:
            if isinstance(error, LispyError):
                error.located(node.span)
            self.globals.bound -= {word for word in hidden if self.globals.cell(word).value is UNBOUND}
            raise
        return value

    def _evaluate_here(self, program: Value) -> Value:
        """What the builtin `eval` does."""
        run = self.context
        if isinstance(program, str):
            run.charge(len(program))
            run.meter.allocate(16 * len(program))
            nodes = read(program, "<eval>", run.limits)
        else:
            run.charge(1)
            nodes = [node_of(program, standing("<eval>", program), run.meter)]
        self._descend()
        value = self._program(nodes)
        run.depth -= EVAL_DEPTH
        return value

    def _perform_apart(self, node: Node) -> Value:
        """A form where nobody has defined anything."""
        self._descend()
        value = self.perform(node, Namespace(self.language))
        self.context.depth -= EVAL_DEPTH
        return value

    def _descend(self) -> None:
        """Count what compiling inside a run adds to the depth of its calls."""
        run = self.context
        run.depth += EVAL_DEPTH
        if run.depth > run.limits.depth:
            raise LimitError("depth-limit", f"calls are nested more than {run.limits.depth:,} deep")

    def _missing(self, name: str, scope: Any) -> Value:
        """The value of a global name without one: the frame's, one that the host gives, or an error."""
        if name == "frame":
            return self.context.need("state").frame()
        if name == "agents":
            return self.context.need("state").agents()
        value = self._given(name)
        if value is UNBOUND:
            raise self._unbound(name, scope.known())
        return value

    def _given(self, name: str) -> Value:
        """What the host means by a name, UNBOUND if nothing."""
        value = self._definitions.find(name)
        if value is UNBOUND:
            value = self._used.get(name, UNBOUND)
        if value is UNBOUND and (spec := self.context.offered.get(name)) is not None:
            value = self._used[name] = Builtin(self.context, spec, name)
        return value

    def _is_given(self, name: str) -> bool:
        return name in ("frame", "agents") or self._given(name) is not UNBOUND

    def _unbound(self, name: str, local: list[str]) -> LispyError:
        """The error for a name that nobody gives a value."""
        known = [*local, *self._definitions.bound, *self.context.offered]
        return self._analyser(self.globals).unbound(name, known)

    @contextmanager
    def _session(
        self,
        limits: Limits,
        seed: Seed,
        now: str | None,
        allow: frozenset[str],
        providers: Mapping[str, Any],
        memo: dict[Any, Any] | None,
    ) -> Iterator[Run]:
        """The context set up for one run, and put back as it was; the host may go deep meanwhile."""
        run = self.context
        saved = run.save()
        run.begin(limits, seed if isinstance(seed, tuple) else (seed,), now, allow, providers, memo)
        _raise_limit()
        try:
            yield run
        finally:
            _restore_limit()
            run.restore(saved)


def as_state(state: State | Mapping[str, Value] | Path | str) -> State:
    """Documents however they were given."""
    if isinstance(state, (str, Path)):
        return State.from_folder(state)
    return State(state) if isinstance(state, Mapping) else state


def _hide_forms(nodes: Sequence[Node], namespace: Namespace) -> frozenset[str]:
    """A form of the language that a program defines anew is hidden in all of it; the names of those."""
    words = {word for node in nodes if (word := _defined_by(node)) in FORMS and word not in FIXED}
    hidden = frozenset(word for word in words if word is not None) - namespace.bound
    namespace.bound |= hidden
    return hidden


def _defined_by(node: Node) -> str | None:
    """The name that a definition binds."""
    if node.head not in ("define", "def", "defun", "defn") or len(node.items) < 2:
        return None
    target = node.items[1]
    return target.name or target.head


_lock = threading.Lock()
_running = 0
_usual = 0


def _raise_limit() -> None:
    """Let the host's stack of Python frames grow while any program runs; it is no C stack."""
    global _running, _usual
    with _lock:
        if _running == 0:
            _usual = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_usual, HOST_FRAMES))
        _running += 1


def _restore_limit() -> None:
    global _running
    with _lock:
        _running -= 1
        if _running == 0:
            sys.setrecursionlimit(_usual)


@contextmanager
def _host_limits() -> Iterator[None]:
    """The host's own limits as those of the language."""
    try:
        yield
    except (RecursionError, MemoryError) as caught:
        raise _host_limit(caught) from None


def _host_limit(caught: BaseException) -> LimitError:
    if isinstance(caught, MemoryError):
        return LimitError("allocation-limit", "the program made more data than there is room for")
    return LimitError("depth-limit", "calls are nested deeper than they may be")


def _without_traceback(error: LispyError) -> LispyError:
    """An error that keeps no frame of the run alive."""
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error
