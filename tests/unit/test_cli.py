"""The command line as a whole: what it is, and what it offers."""

from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from callengine.cli.main import COMMANDS, HELP, command_line


def test_the_version_is_the_package_s() -> None:
    said = CliRunner().invoke(command_line(), ["--version"])
    assert (said.exit_code, said.output) == (0, f"callengine {version('callengine')}\n")


def test_help_says_what_it_is_and_names_every_command() -> None:
    said = CliRunner().invoke(command_line(), ["--help"], env={"COLUMNS": "200"})
    assert said.exit_code == 0
    assert HELP in said.output
    assert len(COMMANDS) == 11
    assert all(f" {name} " in said.output and line in said.output for name, line in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_asked_for_says_how_it_is_used(name: str) -> None:
    said = CliRunner().invoke(command_line(name), [name, "--help"])
    assert said.exit_code == 0
    assert f" {name} [OPTIONS]" in said.output


def test_what_is_no_command_is_told() -> None:
    said = CliRunner().invoke(command_line("srve"), ["srve"])
    assert said.exit_code == 2
    assert "No such command 'srve'" in said.output
