"""Every word that means something, one source for each table that the code lives by. It prints nothing.

`describe`, `apropos`, completion and the manual read these entries and nothing else. The commands are the
command line's own: it hands its source in.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import pkgutil
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import EnumType
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lisppump import __version__, clauses, hookspecs
from lisppump.clauses_shape import Clause, clause_of, usage
from lisppump.errors import CODES, Code, legible, suggest
from lisppump.lispy import library
from lisppump.lispy.analyser import GIVEN
from lisppump.lispy.builtins import BuiltinSpec, load
from lisppump.lispy.capabilities import CAPABILITIES
from lisppump.lispy.forms import FORMS
from lisppump.lispy.limits import default_limits
from lisppump.notions import ADVICE, NOTIONS
from lisppump.plugin import FOLDER, READY, Offer, Plugin
from lisppump.stages import KINDS

if TYPE_CHECKING:
    from lisppump.registry import Registry

OURS = "lisppump"
SILENT = "Its author says nothing about it."


@dataclass(frozen=True, slots=True)
class Origin:
    """Who offers a thing: the id of a plugin, its version, the file where that says more."""

    plugin: str
    version: str | None = None
    file: str | None = None

    def line(self) -> str:
        """As `describe` shows it."""
        version = f" {self.version}" if self.version else ""
        return f"from {self.plugin}{version}" + (f" ({self.file})" if self.file else "")

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"plugin": self.plugin, "version": self.version, "file": self.file}


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning of a word: what kind of thing it is, how it is written, what it does, and more about it.

    `name` is an option's whole path: `breaker bad`, `affinity room-size`. `also` are its other names.
    """

    kind: str
    name: str
    usage: str
    doc: str
    details: tuple[str, ...] = ()
    origin: Origin | None = None
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that means it."""
        return (self.name, *self.also)

    @property
    def gist(self) -> str:
        """The first sentence of what it does, on one line."""
        paragraph = " ".join(self.doc.partition("\n\n")[0].split())
        return re.split(r"(?<=[.!?])\s+(?=[^a-z])", paragraph, maxsplit=1)[0]

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "usage": self.usage,
            "doc": self.doc,
            "details": list(self.details),
            "origin": None if self.origin is None else self.origin.to_json(),
        }


def ours() -> Origin:
    """The origin of what lisppump brings itself."""
    return Origin(OURS, __version__)


def origin_of(plugin: Plugin) -> Origin:
    """The origin of what a plugin brings."""
    return Origin(plugin.id, plugin.version, plugin.file and legible(plugin.file))


Source = Callable[["Registry"], Iterable[Entry]]


def everything(registry: Registry, commands: Source) -> Iterator[Entry]:
    """Every entry of every table, each table in an order of its own that does not change."""
    sources = (commands, pump_clauses, stages, hooks, python_names, forms, given, builtins, prelude)
    for source in (*sources, loadable, limits, capabilities, plugins, error_codes, exit_codes, notions):
        yield from source(registry)


def meanings(word: str, registry: Registry, commands: Source) -> list[Entry]:
    """All that a word means."""
    return named(word, list(everything(registry, commands)))


def named(word: str, entries: Sequence[Entry]) -> list[Entry]:
    """The entries of this name, then options that end in it (`bad` for `breaker bad`)."""
    path = _clause_path(word)
    found = [e for e in entries if word in e.names or (e.kind == "clause" and e.name == path)]
    options = [e for e in entries if e.kind in ("clause", "option") and e.name.endswith(f" {word}")]
    return found + [entry for entry in options if entry not in found]


def nearest(word: str, entries: Iterable[Entry]) -> str | None:
    """The name that a word most likely was meant to be, or None."""
    return suggest(word, sorted({name for entry in entries for name in entry.names}))


def alike(one: str, other: str) -> bool:
    """True for names of which one may well be a slip in writing the other."""
    return SequenceMatcher(None, one, other).ratio() >= 0.75


# -- the sources, one a table


def pump_clauses(_: Registry) -> Iterator[Entry]:
    """The clauses of pump.lisp, `(pump ...)` first, each followed by the options below it."""
    yield _clause("pump")
    for name in clauses.CLAUSES:
        yield from _below(name)


def _below(path: str) -> Iterator[Entry]:
    yield _clause(path)
    for part in _parts(clauses.find(path)):
        yield from _below(f"{path} {part.name}")


def _clause(path: str) -> Entry:
    shown, doc, *details = clauses.describe(path).split("\n")
    return Entry("clause", path, shown, doc.strip(), tuple(line[2:] for line in details))


def _parts(clause: Clause) -> tuple[Clause, ...]:
    return (*clause.options, *([clause.members] if clause.members else []))


def _clause_path(word: str) -> str | None:
    """The path of a clause as the table has it: `delta COLLECTION into` for `delta posts into`."""
    parts = word.split()
    entry, path = clauses.PUMP, []
    if not parts:
        return None
    for part in parts[1:] if parts[:1] == ["pump"] else parts:
        found = entry.option(part) or entry.members
        if found is None:
            return None
        entry = found
        path.append(entry.name)
    return " ".join(path) or "pump"


def stages(registry: Registry) -> Iterator[Entry]:
    """The stages of each kind, each followed by its options."""
    for kind in KINDS:
        for name in sorted({name.rpartition("/")[2] for name in registry.names(kind)}):
            for place, offer in enumerate(registry.offers(kind, name)):
                full = registry.full_name(offer)
                names = [full] if place else [name, full]
                yield from _stage(offer, names)


def _stage(offer: Offer, names: list[str]) -> Iterator[Entry]:
    name, *also = names
    shape = clause_of(name, getattr(offer.factory, "options", ()), clauses.INSIDE)
    doc = inspect.getdoc(offer.factory) or SILENT
    details = tuple(f"({option.name} ...)  {option.doc}" for option in shape.options)
    origin = Origin(offer.plugin, offer.version, offer.file)
    by_kind = [f"{offer.kind} {each}" for each in names]
    yield Entry(offer.kind, name, usage(shape), doc, details, origin, (*also, *by_kind))
    for option in shape.options:
        path, *others = [f"{each} {option.name}" for each in (*names, *by_kind)]
        yield Entry("option", path, usage(option), option.doc, (), origin, tuple(others))


def python_names(_: Registry) -> Iterator[Entry]:
    """What `from lisppump import ...` gives: the classes and functions that plugins are written with."""
    import lisppump

    for name in sorted(lisppump.__all__):
        found = getattr(lisppump, name)
        doc = inspect.getdoc(found) or SILENT
        parts = getattr(found, "__dataclass_fields__", {}).values()
        fields = [f"{part.name}: {part.type}" for part in parts]
        members: Iterable[Any] = found if isinstance(found, EnumType) else ()
        values = [f"{member.name} ({member.value})" for member in members]
        methods = _methods(found) if inspect.isclass(found) and not fields and not values else []
        plain = inspect.isfunction(found) or bool(fields)
        shown = f"{name}{_signature(found)}" if plain else f"from lisppump import {name}"
        yield Entry("python", name, shown, doc, (*fields, *values, *methods), ours())


def _methods(found: type) -> list[str]:
    """What a class of ours has that others may call or read: each with the sentence that says what for."""
    lines = []
    for name, member in inspect.getmembers(found):
        if name.startswith("_") or not (callable(member) or isinstance(member, property)):
            continue
        if not _of_ours(found, name):
            continue
        call = "" if isinstance(member, property) else _signature(member).replace("(self, ", "(")
        sentence = (inspect.getdoc(member) or SILENT).split("\n")[0]
        lines.append(f"{name}{call.replace('(self)', '()')}  {sentence}")
    return lines


def _of_ours(found: type, name: str) -> bool:
    """Whether a name of a class comes from a class of ours, and not from one of Python's."""
    home = next(each for each in found.__mro__ if name in each.__dict__)
    return home.__module__.split(".")[0] == OURS


def _signature(found: Any) -> str:
    try:
        return str(inspect.signature(found)).replace("'", "")
    except (TypeError, ValueError):
        return "(...)"


def hooks(registry: Registry) -> Iterator[Entry]:
    """What plugins implement: nouns, verbs, past participles, in the order of a frame."""
    grammar = {
        "noun": hookspecs.NOUNS, "verb": hookspecs.VERBS, "past participle": hookspecs.PARTICIPLES
    }  # fmt: skip
    for part, names in grammar.items():
        for name in names:
            spec = getattr(hookspecs, name)
            gives = inspect.signature(spec).return_annotation
            details = [f"a {part}, since version {hookspecs.SINCE[name]} of the hooks"]
            if part != "past participle":
                details.append(f"gives: {gives}")
            who = [plugin.id for plugin in registry.ready().plugins if name in plugin.hooks]
            if who:
                details.append(f"implemented by: {', '.join(who)}")
            shown = f"{name}({', '.join(inspect.signature(spec).parameters)})"
            yield Entry("hook", name, shown, inspect.getdoc(spec) or "", tuple(details), ours())


def forms(_: Registry) -> Iterator[Entry]:
    """The special forms of LisPy."""
    for name, spec in sorted(FORMS.items()):
        if name == spec.name:
            details = [f"example: {spec.example}"]
            if spec.aliases:
                details.append(f"names: {', '.join((name, *spec.aliases))}")
            yield Entry("form", name, spec.usage, spec.doc, tuple(details), ours(), spec.aliases)


def given(_: Registry) -> Iterator[Entry]:
    """The names that a run gives a program besides builtins."""
    for name, doc in GIVEN.items():
        details = ("needs the capability state, which there is wherever there is a world",)
        yield Entry("name", name, name, doc, details, ours())


def builtins(registry: Registry) -> Iterator[Entry]:
    """The builtins of LisPy, then those that plugins offer; LisPy keeps the names that it has itself."""
    for name, spec in sorted(load().items()):
        if name == spec.name:
            yield _builtin(spec, (name, *spec.aliases), ours())
    taken = {*load(), *FORMS, *library.names()}
    for plugin, brought in registry.contents():
        for name, spec in (brought.builtins or {}).items():
            if name == spec.name:
                free = [word for word in (name, *spec.aliases) if word not in taken]
                taken.update(free)
                yield _builtin(spec, (*free, f"{plugin.switch}/{name}"), origin_of(plugin))


def _builtin(spec: BuiltinSpec, names: tuple[str, ...], origin: Origin) -> Entry:
    details = [f"example: {spec.example}"]
    if spec.cost != "0":
        details.append(f"cost: {spec.cost} steps")
    if names[1:]:
        details.append(f"names: {', '.join(names)}")
    if spec.capability:
        details.append(f"needs the capability {spec.capability}")
    return Entry("builtin", names[0], spec.usage, spec.doc, tuple(details), origin, names[1:])


def prelude(_: Registry) -> Iterator[Entry]:
    """What LisPy's own library defines in LisPy; every program has it without loading anything."""
    for name in sorted(library.names()):
        form = library.definition(name)
        assert form is not None
        shown, doc = form.items[1].text, form.items[2]
        text, said, example = (doc.value if doc.kind == "string" else SILENT).partition("\n\nExample: ")
        details = [f"example: {example}"] if said else []
        details.append(f"defined in lisp_lib/{library.NAME}")
        yield Entry("library", name, shown, text, tuple(details), ours())


def loadable(_: Registry) -> Iterator[Entry]:
    """What the files of lisp_lib define that (load NAME) reads; nobody has it without that."""
    told = {each.name for each in NOTIONS}
    for file, form in library.loadable():
        name, doc = form.items[1].items[0].text, form.items[2].value
        if name not in told:
            details = (f"defined in lisp_lib/{file}.lisp, and there after (load {file})",)
            yield Entry("loadable", name, form.items[1].text, doc, details, ours())


def limits(_: Registry) -> Iterator[Entry]:
    """How much a run of LisPy may do where nothing else is said."""
    doc = (
        "How much one run of a program may do where nothing else is said. No `try` catches what is beyond it."
        "\n\nOther limits: (limits ...) in pump.lisp; --steps and --seconds of eval and repl."
    )
    yield Entry("default", "limits", "limits", doc, tuple(default_limits()), ours())


def capabilities(registry: Registry) -> Iterator[Entry]:
    """What programs may be granted: what the host gives, then what builtins of plugins want."""
    where = (
        "granted by: (allow ...) of an echo in pump.lisp, --allow of eval and repl",
        "without it: the error not-granted; in a simulation nobody has more than `state`",
    )
    for name, doc in CAPABILITIES.items():
        yield Entry("capability", name, f"(allow {name})", doc, where, ours())
    wanted: dict[str, list[str]] = {}
    origins: dict[str, Origin] = {}
    for plugin, brought in registry.contents():
        for word, spec in (brought.builtins or {}).items():
            if spec.capability is not None and spec.capability not in CAPABILITIES and word == spec.name:
                wanted.setdefault(spec.capability, []).append(word)
                origins.setdefault(spec.capability, origin_of(plugin))
    for name, words in wanted.items():
        doc = f"What builtins of plugins want: {', '.join(words)}."
        yield Entry("capability", name, f"(allow {name})", doc, where, origins[name])


def plugins(registry: Registry) -> Iterator[Entry]:
    """The plugins themselves, ready or not."""
    for plugin in registry.ready().plugins:
        also = dict.fromkeys((plugin.switch, plugin.name))
        yield Entry(
            "plugin",
            plugin.id,
            plugin.id,
            _summary(plugin),
            tuple(_state(plugin)),
            origin_of(plugin),
            tuple(name for name in also if name != plugin.id),
        )


def _summary(plugin: Plugin) -> str:
    """What a plugin says of itself: the docstring of its file, the summary of its distribution."""
    text = None
    if plugin.origin == FOLDER and plugin.file is not None:
        text = _docstring(Path(plugin.file))
    elif plugin.distribution is not None:
        with contextlib.suppress(metadata.PackageNotFoundError, KeyError):
            text = metadata.metadata(plugin.distribution)["Summary"]
    return _sentence(text or SILENT)


def _docstring(file: Path) -> str | None:
    """What a Python file begins with; it is neither run nor parsed, since it may be hostile or broken."""
    try:
        for token in tokenize.tokenize(io.BytesIO(file.read_bytes()).readline):
            if token.type == tokenize.STRING:
                return str(ast.literal_eval(token.string))
            if token.type not in (tokenize.ENCODING, tokenize.COMMENT, tokenize.NL):
                return None
    except (OSError, SyntaxError, ValueError, tokenize.TokenError):
        return None
    return None


def _sentence(text: str) -> str:
    """A text that ends as a sentence does; the summary of a distribution often does not."""
    text = inspect.cleandoc(text)
    return text if text.endswith((".", "!", "?", ":", ";", ")")) else f"{text}."


def _state(plugin: Plugin) -> Iterator[str]:
    """How a plugin is, what it offers, how it is switched off."""
    if plugin.state == READY:
        yield "state: ready"
    else:
        yield f"state: {plugin.state}" + (f" at {plugin.place}" if plugin.place else "")
        if plugin.reason:
            yield f"reason: {plugin.reason}"
        if plugin.help:
            yield f"help: {plugin.help}"
    offered = [f"{offer.kind} {offer.name}" for offer in plugin.offers]
    offered += [f"builtin {name}" for name in plugin.builtins]
    offered += [f"command {name}" for name in plugin.commands]
    if offered:
        yield f"offers: {', '.join(offered)}"
    if plugin.hooks:
        yield f"implements: {', '.join(plugin.hooks)}"
    yield f"to leave it out: -p no:{plugin.switch}, or (plugins (without {plugin.switch})) in pump.lisp"


def error_codes(_: Registry) -> Iterator[Entry]:
    """The codes of errors."""
    for name, code in sorted(codes().items()):
        details = [f"category: {code.category}", f"exit: {code.exit}"]
        if name in ADVICE:
            details.append(f"help: {ADVICE[name]}")
        yield Entry("error code", name, f"error[{name}]", code.doc, tuple(details))


def codes() -> Mapping[str, Code]:
    """Every error code, once the modules of ours that declare them are there; it imports nobody else's."""
    for package in (OURS, f"{OURS}.plugins"):  # a checkout keeps the built-in stages beside the package
        _import_below(package)
    return CODES


EXITS = {
    0: "It is done, or all is well.",
    1: "It is not done, or not all is well: a mistake in what was given, an error of a LisPy program, a `no` "
       "as the answer; `replay`, `check` and `doctor` end so where they find something.",
    2: "The command line is not one that the command understands.",
    3: "pump.lisp does not check: no frame is begun.",
    4: "A plugin that pump.lisp names is broken, absent, not trusted, or failed.",
    5: "The state: it is damaged, locked, or cannot be read or written, or a hand edit waits for a decision.",
    6: "The run stopped by itself: its breaker is open, or its budget is spent.",
    70: "lisppump itself is wrong; the report says where.",
    130: "Ctrl-C, or SIGINT: the frame under way is gone on with by the next run.",
}  # fmt: skip


def exit_codes(_: Registry) -> Iterator[Entry]:
    """What commands end with."""
    doc = (
        "What a command ends with, for scripts. Each error code says its own: `lisppump describe CODE`.\n\n"
        "A plugin's command may end with others."
    )
    details = tuple(f"{code}: {meaning}" for code, meaning in EXITS.items())
    yield Entry("exit codes", "exit-codes", "exit-codes", doc, details, ours(), ("exit codes",))


def notions(_: Registry) -> Iterator[Entry]:
    """Words of the documentation that no code is called by."""
    for each in NOTIONS:
        yield Entry("notion", each.name, each.usage, each.doc, each.details, ours(), each.also)


_WANTING = {  # modules that run, or want what no word should wait for: pytest, a terminal, colours
    f"{OURS}.__main__", f"{OURS}.testing", f"{OURS}.cli.repl_terminal", f"{OURS}.lispy.lexer",
}  # fmt: skip


def _import_below(package: str) -> None:
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if module.name in _WANTING:
            continue
        import_module(module.name)
        if module.ispkg:
            _import_below(module.name)
