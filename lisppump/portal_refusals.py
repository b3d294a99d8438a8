"""Why the portal does not open: the reasons and the one error that carries them. It decides nothing."""

from __future__ import annotations

from typing import NoReturn

from lisppump.errors import LisppumpError

REASONS: dict[str, str] = {
    "scheme": "The URL does not begin with http:// or https://.",
    "syntax": "It is no well-formed absolute URL, or one that two programs could read differently.",
    "userinfo": "The URL carries a user or a password.",
    "port": "The port is none of 80, 443, 8080 and 8443.",
    "host": "The name is refused by name: a single word, localhost, a name with a special use.",
    "address": "The host is an address that is not public.",
    "numeric": "The host is a number that is not written as the usual four, whatever it points to.",
    "idna": "A part of the name is not valid by IDNA 2008.",
    "resolve": "The name was not found, nobody could be asked, or one of its addresses is not public.",
    "redirect": "The page sends on to what is refused, from https to http, nowhere, or too often.",
    "size": "The answer is longer than it may be, or has too many headers.",
    "decode": "The answer is compressed too far or as nobody asked, or broken; no text; no JSON.",
    "time": "The whole took longer than it may.",
    "protocol": "The server could not be reached, or its answer breaks the rules of HTTP.",
    "tls": "The server could not show that it is who it should be.",
    "long": "The URL is longer than 2,048 bytes.",
}


class PortalRefused(LisppumpError):
    """What the portal did not do; `reason` is one of REASONS, `cause` the one beneath a `redirect`.

    It never says what a name resolved to: that is nothing for a stranger to know. `seconds` is how long it
    took.
    """

    def __init__(
        self, reason: str, message: str, *, help: str | None = None, cause: str | None = None
    ) -> None:
        data = {"reason": reason} if cause is None else {"reason": reason, "cause": cause}
        super().__init__("portal-refused", message, help=help, data=data)
        assert reason in REASONS
        self.reason = reason
        self.cause = cause
        self.seconds = 0.0


def refuse(reason: str, message: str, help: str | None = None) -> NoReturn:
    """Raise a refusal."""
    raise PortalRefused(reason, message, help=help)
