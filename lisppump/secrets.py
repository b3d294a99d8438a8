"""Keys and passwords of this process, and texts without them. It reads the environment, and keeps nothing.

Errors and answers come from servers and programs that may say back what they were sent: whatever becomes a
reason, a text that is kept or a finding goes through here, and so nothing behind it has to take care.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

HIDDEN = "[secret]"
LEAST = 8  # letters of a value that is looked for wherever it stands; a shorter one is a word like others

_NAMED = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$", re.IGNORECASE)
_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"  # lines of `name: value`, any of which may be a key
_USER = re.compile(r"^(?:[A-Za-z][\w+.-]*://)?([^/@\s]*):([^/\s]*)@")  # of an address with a password
_SHOWN = [
    # an address with a user and a password
    (re.compile(r"(://)[^/@\s\"']+@"), rf"\1{HIDDEN}@"),
    # what follows the word in a header
    (
        re.compile(r"\b(bearer|basic)(\s+)(?=\S*\d|\S{20})[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
        rf"\1\2{HIDDEN}",
    ),
    # a header or a field with its value, as JSON, Python or HTTP write it
    (
        re.compile(
            r"((?:x-api-key|api[-_ ]?key|authorization|access[-_]token|password)[\"']?\s*[:=]\s*[\"']?)"
            r"(?!bearer\b|basic\b)[^\s\"',;}]{6,}",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # keys that say by their beginning what they are
    (re.compile(r"\b(?:sk|pk|gh[pousr]|github_pat|xox[a-z])[-_][A-Za-z0-9_-]{12,}"), HIDDEN),
]


def without(text: str) -> str:
    """A text with no key or password in it that this process was given, in any way they are written."""
    for value in sorted(set(_written()), key=lambda value: (-len(value), value)):
        if value in text:
            text = text.replace(value, HIDDEN)
    return text


def safe(text: str) -> str:
    """The same for what somebody else says of an error: also what only looks like a key is taken out."""
    text = without(text)
    for shape, instead in _SHOWN:
        text = shape.sub(instead, text)
    return text


def is_secret(name: str) -> bool:
    """True for a variable of the environment whose name says that its value is a key or a password."""
    return _NAMED.search(name) is not None


def has_password(address: str) -> bool:
    """True for an address with a user or a password in it."""
    return "@" in address.partition("://")[2].partition("/")[0] or _USER.match(address) is not None


def _written() -> Iterator[str]:
    """Every secret of the environment as it is, and as JSON, Python and addresses write it."""
    from urllib.parse import quote

    for value in _secrets():
        if len(value) >= LEAST:
            yield from (value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(value, safe=""))


def _secrets() -> Iterator[str]:
    import base64
    from urllib.parse import unquote

    for name, value in os.environ.items():
        value = value.strip()
        if _NAMED.search(name):
            yield value
        elif name == _HEADERS:
            for line in value.splitlines():
                said = line.partition(":")[2].strip()
                yield from (said, *said.split())
        elif "@" in value and (found := _USER.match(value)):
            user, password = unquote(found[1]), unquote(found[2])
            yield from (password, found[2], base64.b64encode(f"{user}:{password}".encode()).decode())
