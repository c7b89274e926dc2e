"""`callengine`: the commands."""

import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from callengine.cli.backup import backup
from callengine.cli.call import call
from callengine.cli.check import check
from callengine.cli.demo import demo
from callengine.cli.doctor import doctor
from callengine.cli.evaluate import evaluate
from callengine.cli.forget import forget
from callengine.cli.load import load
from callengine.cli.migrate import migrate
from callengine.cli.restore import restore
from callengine.cli.serve import serve
from callengine.errors import ConfigError, EngineError

HELP = "An AI agent that answers a shop's phone on Asterisk AudioSocket. Try `callengine demo`."
BAD_SETTING = 2
FAILED = 1

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for command in (serve, demo, call, load, evaluate, check, doctor, migrate, backup, restore, forget):
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"callengine {version('callengine')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """What stands before a command; HELP is what is shown."""


def main() -> NoReturn:
    """The console script. A named error is one line and an exit status: 2 for a setting, 1 for the rest."""
    try:
        app()
    except* ConfigError as group:
        _tell(group)
        status = BAD_SETTING
    except* EngineError as group:
        _tell(group)
        status = FAILED
    except* KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _tell(group: BaseExceptionGroup[EngineError]) -> None:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            _tell(error)
        else:
            print(f"callengine: {error}", file=sys.stderr)  # noqa: T201
