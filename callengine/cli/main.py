"""`callengine`: the commands."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from callengine.errors import ConfigError, EngineError

HELP = "An AI agent that answers a shop's phone on Asterisk AudioSocket. Try `callengine demo`."
# Each is the function of its name in the module of its name; this is its line among the others.
COMMANDS = {
    "serve": "Answer calls until SIGTERM, which drains.",
    "demo": "Start an engine with all its parts and watch it answer a call of recorded speech.",
    "call": "Place one call to an engine, as Asterisk would, and say what happens.",
    "load": "Measure an engine under many calls.",
    "evaluate": "Compare recognisers on your own recordings.",
    "check": "Show an agent's tools as the model will see them, and warn of what callers would stumble over.",
    "doctor": "Look at everything a call rests on, and say what to do about what is wrong.",
    "migrate": "Bring the database's schema up to date.",
    "backup": "Back the database up, encrypted, to a place elsewhere.",
    "restore": "Put a backup into an empty database.",
    "forget": "Clear what is personal out of the record.",
}
BAD_SETTING = 2
FAILED = 1


def command_line(*asked: str) -> typer.Typer:
    """The commands; only those `asked` for can be run. A command's module is imported where it is asked for, since the
    libraries of all of them take seconds on a small machine."""
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_options)
    for name, line in COMMANDS.items():
        run = getattr(import_module(f"callengine.cli.{name}"), name) if name in asked else _not_asked
        app.command(name, short_help=line)(run)
    return app


def main() -> NoReturn:
    """The console script. A named error is one line and an exit status: 2 for a setting, 1 for the rest."""
    try:
        command_line(_command_in(sys.argv[1:]))()
    except* ConfigError as group:
        _tell(group)
        status = BAD_SETTING
    except* EngineError as group:
        _tell(group)
        status = FAILED
    except* KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _command_in(words: Sequence[str]) -> str:
    """The first word that is no option: those before a command take no value. Empty where there is none."""
    return next((word for word in words if not word.startswith("-")), "")


def _not_asked() -> None:
    raise AssertionError("a command was run that had not been asked for")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"callengine {version('callengine')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """What stands before a command; HELP is what is shown."""


def _tell(group: BaseExceptionGroup[EngineError]) -> None:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _tell(error)
        else:
            print(f"callengine: {error}", file=sys.stderr)  # noqa: T201
