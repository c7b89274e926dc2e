"""`callengine forget`: what it says, and how it ends."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import trio
from typer.testing import CliRunner, Result

from callengine.cli.main import command_line
from callengine.errors import ConfigError
from callengine.forget import Report
from tests.forgetting import (
    NOW,
    NUMBER,
    call,
    house_at,
    in_s3,
    recorded,
    write,
)
from tests.s3 import S3

pytestmark = pytest.mark.integration


def run_command(environ: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(command_line("forget"), ["forget", *arguments], env=dict(environ))


def test_the_command_says_what_it_did(database_url: str, redis_url: str, tmp_path: Path) -> None:
    async def prepare() -> None:
        async with house_at(database_url, tmp_path) as house:
            await write(house, database_url, call("a"), call("b", opened_at=NOW - timedelta(days=400)))

    trio.run(prepare)
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIR": str(tmp_path)}
    shown = run_command(environ, "--number", NUMBER, "--dry-run", "--json")
    assert (shown.exit_code, json.loads(shown.stdout)["calls"]) == (0, 2), shown.output
    shown = run_command(environ, "--older-than", "365d", "--delete", "--json")
    told = json.loads(shown.stdout)
    assert (shown.exit_code, told["calls"], told["deleted_calls"], told["problems"]) == (0, 1, 1, [])
    shown = run_command(environ, "--number", NUMBER)
    assert (shown.exit_code, "cleared: 1 calls with 2 turns, 1 tool calls and 1 call-backs" in shown.output) == (
        0,
        True,
    )
    assert NUMBER not in shown.output
    assert run_command(environ, "--call", "a").exit_code == 3
    assert run_command(environ, "--again").exit_code == 3


def test_a_bucket_that_cannot_be_reached_is_status_1(database_url: str, tmp_path: Path, s3: S3) -> None:
    async def prepare() -> None:
        async with house_at(database_url, tmp_path, s3) as house:
            await write(house, database_url, in_s3(house, call("a"), recorded(tmp_path, call("a"))[0]))

    trio.run(prepare)
    environ = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), **s3.settings}
    shown = run_command(environ | {"RECORDING_S3_ENDPOINT": "http://127.0.0.1:1"}, "--number", NUMBER)
    assert (shown.exit_code, "not done: S3 s3://callengine/calls" in shown.output) == (1, True), shown.output
    shown = run_command(environ, "--number", NUMBER)
    assert (shown.exit_code, s3.keys()) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing was said"),
        (("--number", "1", "--again"), "--number and --again were given"),
        (("--number", "anonymous"), "--number: has 0 digits"),
        (("--older-than", "a year"), "--older-than: is a number and h, d or w"),
        (("--older-than", "0d"), "--older-than"),
        (("--call", "a", "--delete"), "--delete: goes with --older-than alone"),
        (("--call", "a"), "DATABASE_URL: is not set"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    shown = run_command({"DATA_DIR": str(tmp_path)}, *arguments)
    assert isinstance(shown.exception, ConfigError)
    assert says in str(shown.exception)


def test_a_report_without_anything_has_found_nothing() -> None:
    assert not Report().found
    assert Report(damaged_entries=1).found
