"""`python -m research`, where the command is not on the path."""

from research.cli import main

if __name__ == "__main__":
    main()
