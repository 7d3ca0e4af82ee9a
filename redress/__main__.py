"""`python -m redress` is the command `redress`."""

from redress.cli import main

if __name__ == "__main__":
    main()
