"""The command line as a whole: what it is, and what it offers."""

from importlib.metadata import version

from typer.testing import CliRunner

from callengine.cli.main import HELP, app


def test_the_version_is_the_package_s() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"callengine {version('callengine')}\n")


def test_help_says_what_it_is_and_names_every_command() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert said.exit_code == 0
    assert HELP in said.output
    names = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert len(names) == 11
    assert all(f" {name} " in said.output for name in names)
