"""A place where programs run: global names, limits, grants. The only module of LisPy that hosts need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from weakref import proxy

from lisppump.lispy import library
from lisppump.lispy.analyser import FIXED, GIVEN, Analyser
from lisppump.lispy.builtins import BUILTINS, BuiltinSpec
from lisppump.lispy.builtins import load as load_builtins
from lisppump.lispy.calls import Builtin, enter, invoke
from lisppump.lispy.capabilities import State
from lisppump.lispy.compiler import run_top
from lisppump.lispy.errors import LimitError, LispyError
from lisppump.lispy.forms import FORMS
from lisppump.lispy.heat import Heat
from lisppump.lispy.limits import Limits
from lisppump.lispy.names import UNBOUND, Cell, Namespace
from lisppump.lispy.nodes import Node, node_of, standing
from lisppump.lispy.outcome import Outcome
from lisppump.lispy.outcome import Result as Result
from lisppump.lispy.printer import cut, to_json, to_text
from lisppump.lispy.reader import read
from lisppump.lispy.resolve import resolve
from lisppump.lispy.room import is_definition, with_room
from lisppump.lispy.run import Run
from lisppump.lispy.session import Session, host_limit, host_limits, without_traceback
from lisppump.lispy.tree import Lambda, Tree
from lisppump.lispy.values import Procedure, Value

Seed = int | str | tuple[Any, ...]
_LIMITS = Limits()
_DEFINITIONS = frozenset({"define", "def", "defun", "defn"})
NONE_HIDDEN: frozenset[str] = frozenset()
READ, COMPILE = 250, 260  # steps of `eval` of a text, of data, beside its size
MADE = 2048  # bytes that it takes beside
EVAL_DEPTH = 20  # levels that compiling inside a run counts as
FREE = 16 * 1024  # characters of a program that reading is not charged for; each beyond takes a step


class _Library(Namespace):
    """Builtins and prelude as the library's own code sees them, whatever a program binds."""

    __slots__ = ("runtime",)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(lambda name: UNBOUND)
        self.runtime = runtime

    def cell(self, name: str) -> Cell:
        cell = self.cells.get(name)
        if cell is None:
            builtin = self.runtime.language(name) if name in BUILTINS else None
            cell = self.cells[name] = Cell(name, UNBOUND if builtin is None else builtin, builtin)
            if builtin is None:
                node = library.definition(name)
                if node is not None:
                    self._define(node)
        return cell

    def _define(self, node: Node) -> None:
        """Make a definition of the prelude."""
        with self.runtime.aside():
            self.runtime.perform(node, self)


class _Inside:
    """What a run and its names find in their runtime, which they do not keep: it is free once thrown away."""

    __slots__ = ("_runtime",)

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = proxy(runtime)

    def language(self, name: str) -> Value:
        """What the language itself means by a name, UNBOUND if nothing."""
        return self._runtime.language(name)

    def given(self, name: str) -> Value:
        """What the host means by a name, UNBOUND if nothing."""
        return self._runtime._given(name)

    def missing(self, name: str, scope: Any) -> Value:
        """The value of a global name without one."""
        return self._runtime._unmet(name, scope)

    def evaluate(self, program: Value) -> Value:
        """What the builtin `eval` does."""
        return self._runtime._evaluate_here(program)

    def perform(self, node: Node) -> Value:
        """The value of a form where nobody has defined anything."""
        return self._runtime._perform_apart(node)


class _Definitions(Namespace):
    """What a host defines for its programs: made when a name is first missing, apart from their own."""

    __slots__ = ("failed", "read", "runtime")

    def __init__(self, runtime: Runtime, read: Callable[[], Sequence[Node]]) -> None:
        super().__init__(runtime._inside.language)
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
        self._inside = _Inside(self)
        self._missing = self._inside.missing
        self._run = Run(enter, invoke, self._inside, {} if builtins is None else builtins)
        self._run.heat = Heat()
        self._builtins: dict[str, Builtin] = {}  # those of the language that some program used
        self._library: _Library | None = None
        self._used: dict[str, Builtin] = {}  # those of `builtins` that some program used
        self._read = definitions
        self._defined: _Definitions | None = None
        self._globals = Namespace(self._inside.language)
        self.limits = limits or _LIMITS
        self._allow = frozenset(allow)
        self._seed = seed if isinstance(seed, tuple) else (seed,)
        self._now = now
        self._providers = {} if providers is None else dict(providers)
        if state is not None:
            self._providers["state"] = as_state(state)

    @property
    def context(self) -> Run:
        """What its programs stand in."""
        self._keep()
        return self._run

    @property
    def globals(self) -> Namespace:
        """The global names of its programs."""
        self._keep()
        return self._globals

    def __del__(self) -> None:
        """Let go of procedures that keep themselves by their names, so that nothing is left to search for."""
        names: Namespace | None = self.__dict__.get("_globals")
        if names is None:
            return  # somebody interrupted its making
        cells = names.cells
        for name in names.bound:
            if name in cells:
                cells[name].value = UNBOUND

    def _keep(self) -> None:
        """Live on when nobody but what is inside knows this runtime: a host may have that in hand."""
        self._run.heat.keeper = self

    def run(
        self, source: str | Node, name: str = "<eval>", keep: str | None = None, *, data_only: bool = False
    ) -> Result:
        """The result of a program, or of a form that was read; whatever it does wrong is in there.

        `keep` is a global name that gets the value. A procedure is null in its data, which is for whom its
        text says enough; where there is `data_only` it is an error.
        """
        error, data, text, output, steps, size, used = self.outcome(source, name, keep, data_only)
        return Result(error is None, data, text, output, error, {"steps": steps, "bytes": size}, used)

    def outcome(self, source: str | Node, name: str, keep: str | None, data_only: bool) -> Outcome:
        """The parts of that result: its error, value, text, output, steps, bytes and capabilities."""
        run = self._run
        with self._session():
            error: LispyError | None = None
            value: Value = None
            text, data = "", None
            form: Node | None = None  # whose value cannot be shown, if it comes to that
            try:
                nodes = self._nodes(source, name)
                value = self._program(nodes)
                form = nodes[-1] if nodes else None
                text = to_text(value, run.meter)
                data = to_json(value, run.meter, procedures=not data_only)
                if keep is not None:
                    self.define(keep, value)
            except LispyError as caught:
                error, text, data = without_traceback(caught), "", None
                error.message = cut(error.message, run.limits.message)
                if form is not None:
                    error.located(form.span)
                    if error.code == "string-limit" and error.help is None:
                        error.help = "the value is there, written out it is too long; ask for a part of it"
            except (RecursionError, MemoryError) as caught:
                error, text, data = host_limit(caught), "", None
            used = tuple(sorted(run.used)) if run.used else ()
            return error, data, text, run.output, run.meter.steps, run.meter.allocated, used

    def evaluate(self, source: str | Node, name: str = "<eval>") -> Value:
        """The value of a program, or of a form that was read; its error is raised."""
        self._keep()
        with self._session(), host_limits():
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
        self._keep()
        given = dict(providers or {})
        if state is not None:
            given["state"] = as_state(state)
        run = self._run
        parts = seed if isinstance(seed, tuple) else (seed,)
        terms = (limits or self.limits, parts, now, frozenset(allow), given, memo)
        with Session(run, terms), host_limits():
            return invoke(run, procedure, list(args), None)

    def renewed(self) -> bool:
        """Whether it is as one just made, as it is after programs that define nothing and use builtins."""
        names = self._globals
        left = names.bound or names.macros or self._library or self._defined or self._used or self._run.seals
        if left or not self._run.heat.is_new:
            return False
        names.cells.clear()
        return True

    def reset(self, seed: tuple[Any, ...], now: str | None) -> None:
        """Give the next program other dice and another clock."""
        self._seed, self._now = seed, now

    def define(self, name: str, value: Value) -> None:
        """Give a global name a value."""
        cell = self._globals.bind(name)
        self._run.heat.unsettle(cell)
        cell.value = value

    def forget_definitions(self) -> None:
        """Read what the host defines anew when a program next needs it."""
        self._defined = None

    @property
    def _definitions(self) -> _Definitions:
        if self._defined is None:
            self._defined = _Definitions(proxy(self), self._read)
        return self._defined

    def language(self, name: str) -> Value:
        """What the language itself means by a name, UNBOUND if nothing."""
        builtin = self._builtins.get(name)
        if builtin is not None:
            return builtin
        spec = BUILTINS.get(name)
        if spec is not None:
            builtin = self._builtins[name] = Builtin(self._run, spec, name)
            return builtin
        if not library.defines(name):
            return UNBOUND
        if self._library is None:
            self._library = _Library(proxy(self))
        return self._library.cell(name).value

    def knows(self, name: str) -> bool:
        """True when a global name has a value."""
        cell = self._globals.cells.get(name)
        value = self.language(name) if cell is None else cell.value
        return value is not UNBOUND or self._is_given(name)

    def unresolved(self) -> list[tuple[str, LispyError]]:
        """The names that code compiled so far speaks of and nothing binds, each with its error."""
        cells = self._globals.cells.values()
        names = [cell.name for cell in cells if cell.value is UNBOUND and not self._is_given(cell.name)]
        return [(name, self._unbound(name, list)) for name in names]

    def borrowed(self) -> frozenset[str]:
        """The names of `builtins` that code compiled so far speaks of, and does not bind itself."""
        cells = self._globals.cells.values()
        own = (*GIVEN, *self._definitions.bound)
        names = [cell.name for cell in cells if cell.value is UNBOUND and cell.name not in own]
        return frozenset(name for name in names if name in self._run.offered)

    def _session(self) -> Session:
        """A run of its own for a program, with what this runtime gives programs."""
        return Session(self._run, (self.limits, self._seed, self._now, self._allow, self._providers))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do something that no run pays for, whichever needed it first."""
        run = self._run
        saved = run.save()
        run.begin(Limits(), (0,), None, frozenset(), {})
        try:
            yield
        finally:
            run.restore(saved)

    def perform(self, node: Node, namespace: Namespace) -> Value:
        """The value of one form of the top level of a namespace."""
        return self._perform(node, self._analyser(namespace))

    def _perform(self, node: Node, analyser: Analyser) -> Value:
        run, tree = self._run, resolve(analyser.program(node))
        run.heat.winds = run.heat.winds or tree.winds
        if tree.winds and not (run.roomy or is_definition(tree.body)):
            return with_room(run, partial(run_top, run, tree, self._missing))
        return run_top(run, tree, self._missing)

    def _analyser(self, namespace: Namespace) -> Analyser:
        return Analyser(self._run, namespace, self._evaluate, spans=namespace.__class__ is not _Library)

    def _evaluate(self, tree: Tree) -> Value:
        """What an expression comes to while a program is being analysed."""
        return run_top(self._run, resolve(Lambda("", [], None, tree)), self._missing)

    def _nodes(self, source: str | Node, name: str) -> list[Node]:
        if not isinstance(source, str):
            return [source]
        run = self._run
        if FREE < len(source) <= run.limits.source:
            run.charge(len(source) - FREE)
        return read(source, name, run.limits, run.meter.look)

    def _program(self, nodes: list[Node]) -> Value:
        """Run forms in order."""
        # A simulation defines nothing; that is said where it tries to.
        hidden = frozenset() if self._run.sealed else _hide_forms(nodes, self._globals)
        try:
            return self._forms(nodes, self._analyser(self._globals))
        except BaseException:
            self._globals.bound -= {word for word in hidden if self._globals.cell(word).value is UNBOUND}
            raise

    def _forms(self, nodes: Sequence[Node], analyser: Analyser) -> Value:
        value: Value = None
        run = self._run
        for at, node in enumerate(nodes):
            if run.heat.winds and not run.roomy:
                return with_room(run, partial(self._forms, nodes[at:], analyser))
            try:
                value = self._perform(node, analyser)
            except LispyError as error:
                error.located(node.span)
                raise
        return value

    def _evaluate_here(self, program: Value) -> Value:
        """What the builtin `eval` does."""
        run = self._run
        if isinstance(program, str):
            run.charge(READ + len(program))
            run.meter.allocate(MADE + 16 * len(program))
            nodes = read(program, "<eval>", run.limits, run.meter.look)
        else:
            run.charge(COMPILE)
            run.meter.allocate(MADE)
            nodes = [node_of(program, standing("<eval>", program), run.meter)]
        self._descend()
        value = self._program(nodes)
        run.depth -= EVAL_DEPTH
        return value

    def _perform_apart(self, node: Node) -> Value:
        """A form where nobody has defined anything."""
        self._descend()
        value = self.perform(node, Namespace(self._inside.language))
        self._run.depth -= EVAL_DEPTH
        return value

    def _descend(self) -> None:
        """Count what compiling inside a run adds to the depth of its calls."""
        run = self._run
        run.depth += EVAL_DEPTH
        if run.depth > run.limits.depth:
            raise LimitError("depth-limit", f"calls are nested more than {run.limits.depth:,} deep")

    def _unmet(self, name: str, scope: Any) -> Value:
        """The value of a global name without one: the frame's, one that the host gives, or an error."""
        if name == "frame":
            self._run.charge(3)
            return self._run.need("state").frame()
        if name == "agents":
            return self._run.need("state").agents()
        value = self._given(name)
        if value is UNBOUND:
            raise self._unbound(name, scope.known)
        return value

    def _given(self, name: str) -> Value:
        """What the host means by a name, UNBOUND if nothing."""
        value = self._definitions.find(name)
        if value is UNBOUND:
            value = self._used.get(name, UNBOUND)
        if value is UNBOUND and (spec := self._run.offered.get(name)) is not None:
            value = self._used[name] = Builtin(self._run, spec, name)
        return value

    def _is_given(self, name: str) -> bool:
        return name in GIVEN or self._given(name) is not UNBOUND

    def _unbound(self, name: str, local: Callable[[], list[str]]) -> LispyError:
        """The error for a name that nobody gives a value."""
        from lisppump.lispy.elsewhere import unbound

        defined, offered = self._definitions.bound, self._run.offered
        return unbound(self._globals, name, lambda: [*local(), *defined, *offered])


def as_state(state: State | Mapping[str, Value] | Path | str) -> State:
    """Documents however they were given."""
    if isinstance(state, (str, Path)):
        return State.from_folder(state)
    return State(state) if isinstance(state, Mapping) else state


def _hide_forms(nodes: Sequence[Node], namespace: Namespace) -> frozenset[str]:
    """A form of the language that a program defines anew is hidden in all of it; the names of those."""
    hidden = NONE_HIDDEN
    for node in nodes:
        word = _defined_by(node)
        if word in FORMS and word not in FIXED and word not in namespace.bound:
            hidden |= {word}
    namespace.bound |= hidden
    return hidden


def _defined_by(node: Node) -> str | None:
    """The name that a definition binds."""
    items = node.items
    if len(items) < 2 or items[0].kind != "symbol" or node.kind != "list":
        return None
    if items[0].value.name not in _DEFINITIONS:
        return None
    return items[1].name or items[1].head
