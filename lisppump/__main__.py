"""`python -m lisppump`: the command line. It decides nothing.

For -m Python puts the current folder first on its path. A world from elsewhere can be that folder, and a
click.py in it would be imported for the real one; so the folder goes before anything else is imported. What
Python itself imports before this line is out of reach: the command `lisppump`, and `python -P -m lisppump`,
never look there.
"""

import os
import sys


def _forget_current_folder() -> None:
    """Take the current folder off the path where -m put it, unless lisppump itself comes from there."""
    if sys.flags.safe_path or not sys.path:
        return
    try:
        here = os.path.realpath(os.getcwd())
    except FileNotFoundError:  # it was removed; then nothing can be imported from it either
        return
    package = os.path.dirname(os.path.realpath(__file__))
    if os.path.realpath(sys.path[0]) == here != os.path.dirname(package):
        del sys.path[0]


if __name__ == "__main__":
    _forget_current_folder()
    from lisppump.cli import main

    raise SystemExit(main())
