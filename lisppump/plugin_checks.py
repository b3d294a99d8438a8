"""What a plugin must be before anything of it is used: version, hooks, stages. It calls no hook."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from lisppump import hookspecs
from lisppump.errors import LisppumpError, declare, suggest
from lisppump.stages import GIVEN, REQUIRED, Kind, Option

declare(
    "plugin", 4,
    bad_hook="A plugin implements a hook that does not exist, or in a way that cannot work.",
    bad_stage="A stage class has not the methods its kind needs.",
)  # fmt: skip

HOOKS: dict[str, Callable[..., Any]] = {
    name: getattr(hookspecs, name) for name in (*hookspecs.NOUNS, *hookspecs.VERBS, *hookspecs.PARTICIPLES)
}
OPTION_KINDS = ("name", "value", "function", "capability", "source", "limits", "assume", "folder", *GIVEN)
ASYNC = ("backend", "executor")  # kinds whose method is awaited


def check_api(plugin: Any, who: str) -> None:
    """Refuse a plugin that says it is made for hooks of another version than these."""
    wanted = getattr(plugin, "lisppump_api", hookspecs.API_VERSION)
    if wanted == hookspecs.API_VERSION:
        return
    newer = isinstance(wanted, int) and wanted > hookspecs.API_VERSION
    raise LisppumpError(
        "wrong-api",
        f"plugin {who} is made for version {wanted!r} of the hooks; here it is {hookspecs.API_VERSION}",
        help="upgrade lisppump" if newer else f"install a version of {who} that is made for this lisppump",
    )


def implementations(plugin: Any, who: str) -> Iterator[tuple[str, str, Callable[..., Any], dict[str, Any]]]:
    """(hook, attribute, function, pluggy's options) of every implementation, held to its specification."""
    if inspect.isclass(plugin):
        raise LisppumpError(
            "bad-hook",
            f"plugin {who} is the class {plugin.__name__}; a module or an object is wanted",
            help=f"write `plugin = {plugin.__name__}()` and let the entry point name that",
        )
    found = []
    for attribute in dir(plugin):
        function = inspect.getattr_static(plugin, attribute, None)
        # An object may pretend to have any attribute, or raise where it is asked for one.
        options = getattr(function, "lisppump_impl", None) if inspect.isroutine(function) else None
        if isinstance(options, dict):
            word = options.get("specname") or attribute
            function = getattr(plugin, attribute)
            _check_hook(word, function, options, who)
            found.append((word, attribute, function, options))
    if not found:
        named = [name for name in HOOKS if callable(getattr(plugin, name, None))]
        raise LisppumpError(
            "bad-hook",
            f"plugin {who} implements no hook",
            help=f"put @hookimpl before `{named[0]}`" if named else "see `lisppump describe dams`",
        )
    # In the order of the hook specifications, since `dir` gives letters' order.
    order = [*HOOKS]
    yield from sorted(found, key=lambda entry: (order.index(entry[0]), entry[1]))


def _check_hook(word: str, function: Any, options: dict[str, Any], who: str) -> None:
    def refuse(sentence: str, help: str) -> LisppumpError:
        return LisppumpError("bad-hook", f"plugin {who} {sentence}", help=help, data=defined_at(function))

    if word not in HOOKS:
        near = suggest(word, [*HOOKS])
        raise refuse(
            f"implements `{word}`, which is no hook",
            f"did you mean `{near}`?" if near else f"hooks: {', '.join(HOOKS)}",
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise refuse(
            f"implements `{word}` as `async def`; hooks are ordinary functions",
            "give something to await" if word == "pour" else "do slow work in a stage, or in a thread",
        )
    if options.get("hookwrapper"):
        raise refuse(f"wraps `{word}` in the old way", "write @hookimpl(wrapper=True)")
    wraps = bool(options.get("wrapper"))
    if wraps and word not in hookspecs.VERBS:
        raise refuse(
            f"wraps `{word}`; only verbs can be wrapped", f"verbs: {', '.join(hookspecs.VERBS)}"
        )
    if wraps != inspect.isgeneratorfunction(function):
        raise refuse(
            f"wraps `{word}` without a yield" if wraps else f"implements `{word}` with a yield",
            "a wrapper yields once, for the result of the others, and returns one"
            if wraps
            else "write @hookimpl(wrapper=True), or return the result",
        )
    _check_arguments(word, function, refuse)


def _check_arguments(word: str, function: Any, refuse: Callable[[str, str], LisppumpError]) -> None:
    """A hook takes some of its specification's arguments, by their names."""
    known = [*inspect.signature(HOOKS[word]).parameters]
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise refuse(
                f"implements `{word}` with {parameter}; arguments are given by name",
                f"take some of: {', '.join(known)}" if known else f"`{word}` has no arguments",
            )
        if name not in known:
            near = suggest(name, known)
            hint = f"did you mean `{near}`?" if near else f"it has: {', '.join(known) or 'none'}"
            raise refuse(f"implements `{word}` with the argument `{name}`, which it does not have", hint)


def check_stage(kind: Kind, name: str, factory: Any, who: str) -> None:
    """Hold a stage class to the methods of its kind, by number of arguments, and to its own options."""

    def refuse(sentence: str, help: str | None = None) -> LisppumpError:
        what = f"{kind.name} `{name}` of plugin {who} {sentence}"
        return LisppumpError("bad-stage", what, help=help, data=defined_at(factory))

    if not inspect.isclass(factory):
        raise refuse("should be a class", "offer the class itself; the pump makes an object of it")
    for method, arguments in kind.methods.items():
        _check_method(kind, method, arguments, getattr(factory, method, None), factory, refuse)
    _check_options(factory, refuse, kind)


def _check_method(
    kind: Kind,
    method: str,
    arguments: tuple[str, ...],
    found: Any,
    factory: type,
    refuse: Callable[[str, str | None], LisppumpError],
) -> None:
    wanted = f"{method}({', '.join(arguments)})"
    if not callable(found):
        own = [word for word, value in vars(factory).items() if callable(value) and not word.startswith("_")]
        near = suggest(method, own)
        raise refuse(f"lacks the method {wanted}", f"is `{near}` meant to be it?" if near else None)
    unbound = inspect.isfunction(found) or inspect.ismethoddescriptor(found)  # they get the object first
    static = isinstance(inspect.getattr_static(factory, method), staticmethod)
    parameters = list(inspect.signature(found).parameters.values())[1 if unbound and not static else 0 :]
    given = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    room = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    demands = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if demands or len(given) > len(arguments) or (len(room) < len(arguments) and not takes_any):
        raise refuse(f"has {method}({', '.join(given + demands)}), it should be {wanted}", None)
    plain = inspect.isfunction(found) and not inspect.iscoroutinefunction(found)
    if kind.name in ASYNC and plain:
        raise refuse(f"has `def {method}`; it is awaited", f"write `async def {wanted}`")
    if kind.name not in ASYNC and inspect.iscoroutinefunction(found):
        raise refuse(f"has `async def {method}`; it should be an ordinary function", "write `def`")


def _check_options(
    factory: type, refuse: Callable[[str, str | None], LisppumpError], kind: Kind
) -> None:
    """Every option is an argument of the constructor, and there is no argument without an option."""
    options = getattr(factory, "options", ())
    if not isinstance(options, tuple) or not all(isinstance(option, Option) for option in options):
        raise refuse("should have options that are a tuple of Option", "write options = (Option(...),)")
    twice = [option.name for n, option in enumerate(options) if option.name in [o.name for o in options[:n]]]
    if twice:
        raise refuse(f"has two options `{twice[0]}`", "give each a name of its own")
    for option in options:
        if not isinstance(option.doc, str) or not option.doc.strip():
            raise refuse(f"has the option `{option.name}` without a doc", "say in a sentence what it does")
        if option.kind not in OPTION_KINDS:
            raise refuse(
                f"has the option `{option.name}` of kind {option.kind!r}", f"kinds: {', '.join(OPTION_KINDS)}"
            )
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", str(option.name)):
            raise refuse(f"has an option called {option.name!r}", "write it small, with hyphens: room-size")
        if option.choices and option.default not in (REQUIRED, None, *option.choices):
            raise refuse(f"has the option `{option.name}` whose default is none of its choices", None)
    parameters = list(inspect.signature(factory).parameters.values())
    if kind.name == "reservoir":
        parameters = parameters[1:]  # the folder, which the pump gives
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    words = [option.name.replace("-", "_") for option in options]
    for word in words:
        if word not in named and not open_ended:
            near = suggest(word, [*named])
            raise refuse(
                f"has the option `{word.replace('_', '-')}`, which its constructor does not take",
                f"did you mean `{near}`?" if near else f"add `{word}` to __init__",
            )
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in words:
            raise refuse(
                f"needs the argument `{name}`, for which it has no option",
                f'add Option("{name.replace("_", "-")}", "value", "...") to its options',
            )


def defined_at(thing: Any) -> str | None:
    """The file and line where a function or class of a plugin is defined, as `file:line`."""
    code = getattr(inspect.unwrap(thing), "__code__", None) if callable(thing) else None
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
    try:
        return f"{inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]}"
    except (TypeError, OSError):
        return None
