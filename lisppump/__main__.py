"""`python -m lisppump`: the command line. It decides nothing."""

from lisppump.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
