"""`lisppump cat`: prints what is kept under a digest, as lisppump.blobs finds it. It writes nothing."""

from __future__ import annotations

import click

from lisppump.cli.context import Settings, as_command
from lisppump.cli.verify import root_of


@as_command("cat")
@click.argument("digest")
def command(settings: Settings, digest: str) -> None:
    """Print what is kept under DIGEST: a document that was set aside, a text, whatever a message names.

    The bytes come as they are, and only where they are still what was kept. A beginning of the digest is
    enough, of at least 8 digits, with or without `sha256:`.
    """
    from lisppump.blobs import blob

    name, data = blob(root_of(settings), digest)
    if settings.json:
        text = data.decode("utf-8", "backslashreplace")
        settings.document(
            {"schema": "lisppump/blob@1", "digest": name, "length": len(data), "text": text}
        )
    else:
        settings.raw(data)
