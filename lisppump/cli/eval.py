"""`lisppump eval`: LisPy over the state, read-only. Pump, policy and plugins are imported when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lisppump.cli.context import Settings, as_command, incoming
from lisppump.cli.trajectories import show
from lisppump.errors import LisppumpError, suggest

if TYPE_CHECKING:
    from lisppump.lispy import LispyError, Result, Runtime
    from lisppump.lispy.builtins import BuiltinSpec
    from lisppump.lispy.capabilities import State
    from lisppump.lispy.nodes import Node
    from lisppump.portal import Window
    from lisppump.pump import Pump
    from lisppump.registry import Registry


NO_WORLD = "there is no pump.lisp in this folder or above it; name a world with `-C DIR`"


def held_short(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that hold programs short, and the one that grants them something."""
    for option in (
        click.option(
            "--allow", multiple=True, metavar="CAPABILITY",
            help="Grant `web`, for (curl URL), or what a plugin's builtin needs; may be repeated.",
        ),
        click.option(
            "--seconds", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Longest time."
        ),
        click.option("--steps", type=click.IntRange(min=1), metavar="N", help="Most steps it may take."),
    ):  # fmt: skip
        function = option(function)
    return function


@as_command("eval")
@click.argument("expression", required=False, metavar="EXPR")
@click.option(
    "-f", "--file", metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Evaluate the program in a file (`-`: what comes in on stdin).",
)  # fmt: skip
@held_short
def command(
    settings: Settings,
    expression: str | None,
    file: Path | None,
    steps: int | None,
    seconds: float | None,
    allow: tuple[str, ...],
) -> int:
    """Evaluate EXPR, a program in a file, or what comes in on stdin (`-`), over the newest frame, read-only.

    It may use what pump.lisp defines and the builtins of plugins. What it prints comes first, then its value,
    written so that it reads back.
    """
    source, name = _program(expression, file)
    around = Surroundings(settings)
    with Newest(settings, around.hear) as newest:
        result = around.runtime(newest, steps, seconds, allow).run(source, name)
    if result.error is not None:
        around.help(result.error)
    if settings.json:
        settings.document(document_of(result))
        return 0 if result.error is None else result.error.exit_code
    if result.output:
        settings.block(result.output.removesuffix("\n"))
    if result.error is not None:
        raise result.error
    show(settings, result.text, result.value)
    return 0


def document_of(result: Result) -> dict[str, Any]:
    """What a program came to, as its pinned document."""
    return {
        "schema": "lisppump/eval@1",
        "ok": result.ok,
        "value": result.value,
        "text": result.text,
        "output": result.output,
        "error": None if result.error is None else result.error.to_json(),
        "usage": dict(result.usage),
        "capabilities": sorted(result.capabilities),
    }


def _program(expression: str | None, file: Path | None) -> tuple[str, str]:
    """The text to evaluate and what errors call it."""
    if (expression is None) == (file is None):
        raise click.UsageError("there should be one program: EXPR, -f FILE, or - for stdin")
    if expression == "-" or file == Path("-"):
        return decoded(incoming().read(), "<stdin>"), "<stdin>"
    if file is not None:
        return decoded(file.read_bytes(), str(file)), str(file)
    assert expression is not None
    return expression, "<eval>"


def decoded(data: bytes, name: str, lines: int = 0) -> str:
    """The text of a program, `lines` stand before it; an error that names the line where it is none."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        from lisppump.lispy.errors import LispyError  # it declares the code

        place = lines + data[: error.start].count(b"\n") + 1
        raise LispyError(
            "bad-token", f"{name} should be UTF-8 text; line {place} is not", help="save the file as UTF-8"
        ) from None


class Surroundings:
    """What programs find where a name has no other meaning, and what to say where nothing was found."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked: Registry | None = None  # once a name was looked for among the plugins
        self._unread = False  # whether pump.lisp was wanted and could not be read whole
        self._heard: set[str] = set()

    def runtime(
        self, newest: Newest, steps: int | None, seconds: float | None, allow: tuple[str, ...]
    ) -> Runtime:
        """A place where programs run within these limits; the state is granted wherever there is one."""
        from lisppump.lispy import Limits, Runtime
        from lisppump.lispy.foreign import Later

        limits = Limits(steps=steps or Limits().steps, seconds=seconds)
        self._vet(allow)
        there = self._settings.root() is not None
        state: Any = newest if there else None
        granted = {*allow, "state"} if there else {*allow}
        providers = {"web": Outlook(newest if there else None)} if "web" in granted else {}
        return Runtime(
            state, granted, limits,
            builtins=Later(self.builtins), definitions=self.definitions, providers=providers,
        )  # fmt: skip

    def _vet(self, allow: tuple[str, ...]) -> None:
        """Refuse to grant what nothing here gives; plugins are asked for what the host does not."""
        from lisppump.lispy.capabilities import CAPABILITIES

        if all(name in CAPABILITIES for name in allow):
            return
        brought = {spec.capability for spec in self.builtins().values() if spec.capability}
        known = sorted({*CAPABILITIES, *brought})
        for name in allow:
            if name not in known:
                near = suggest(name, known)
                raise LisppumpError(
                    "bad-usage", f"there is no capability `{name}`, which --allow should grant",
                    help=f"did you mean `{near}`?" if near else f"known: {', '.join(known)}",
                )  # fmt: skip

    def registry(self) -> Registry:
        """The plugins that have a say here; their faults are heard."""
        self._asked = self._settings.chosen()
        self._asked.ears.complain = self.hear
        return self._asked

    def builtins(self) -> Mapping[str, BuiltinSpec]:
        """Those of plugins."""
        return self.registry().builtins()

    def definitions(self) -> list[Node]:
        """What pump.lisp and the files that it loads define; its (pump ...) form is not looked at."""
        root = self._settings.root()
        if root is None:
            return []
        from lisppump.policy_changes import defined_by
        from lisppump.policy_files import Folder, read_program

        try:
            program = read_program(Folder(self._settings.pump or root / "pump.lisp"))
        except LisppumpError:
            self._unread = True
            return []
        self._unread = not program.complete
        return [form for form in program.definitions if defined_by(form) is not None]

    def hear(self, sentence: str) -> None:
        """Note a fault of a builtin, once, however often a program meets it."""
        if sentence not in self._heard:
            self._heard.add(sentence)
            self._settings.note(sentence)

    def help(self, error: LispyError) -> None:
        """Add to an error what may be the reason for it."""
        if error.code == "not-granted" and error.data == "state" and self._settings.root() is None:
            error.help = NO_WORLD
        elif error.code == "step-limit" and error.help is None:
            error.help = "`--steps N` allows more; `lisppump describe limits` lists the limits"
        elif error.code == "portal-refused" and isinstance(error.data, dict) and not error.raised:
            error.add_note(f"the reason is `{error.data.get('reason')}`")
        elif error.code == "unbound" and self._asked is not None:
            error.help = "; ".join([*([error.help] if error.help else []), *self._gaps(self._asked)]) or None

    def _gaps(self, registry: Registry) -> Iterator[str]:
        """What was not looked through for a name, and why."""
        if self._unread:
            yield "pump.lisp does not check, `lisppump check` says why"
        for plugin in registry.absent:
            if plugin.state != "off":
                yield plugin.line() + (f"; {plugin.help}" if plugin.help else "")


class Outlook:
    """The portal as the policy has it, or as it usually is; made when a program first asks for a page."""

    def __init__(self, newest: Newest | None) -> None:
        self._newest = newest
        self._window: Window | None = None

    def __getattr__(self, name: str) -> Any:
        if self._window is None:
            from lisppump.portal_rule import PortalRule

            rule = PortalRule() if self._newest is None else self._newest.pump.policy.portal
            self._window = rule.window()
        return getattr(self._window, name)


class Newest:
    """The newest frame as a program sees it; nothing is opened until somebody asks for something."""

    def __init__(self, settings: Settings, hear: Callable[[str], None]) -> None:
        self._settings = settings
        self._hear = hear
        self._pump: Pump | None = None
        self._state: State | None = None

    @property
    def pump(self) -> Pump:
        """The simulation, opened when first asked for."""
        if self._pump is None:
            self._pump = self._settings.look()
            self._pump.registry.ears.complain = self._hear  # no frame will say it
        return self._pump

    def __getattr__(self, name: str) -> Any:
        if self._state is None:
            self._state = self.pump.policy.state_of(self.pump.head)
        return getattr(self._state, name)

    def __enter__(self) -> Newest:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Open what is newest then when somebody asks again."""
        if self._pump is not None:
            self._pump.close()
        self._pump = self._state = None
