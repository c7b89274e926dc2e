"""`python -m callengine`: the commands, where the console script is not on the path."""

from callengine.cli.main import main

if __name__ == "__main__":
    main()
