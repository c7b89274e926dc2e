"""What cannot be backed up or restored: one line each, and nothing lost."""

import json
import os
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
import trio

from callengine.backup import restoring
from callengine.backup.copies import DUMP, PAGE
from callengine.backup.place import place_of
from callengine.backup.taking import Plan, take_backup
from callengine.config import Settings
from callengine.errors import ServiceError
from callengine.services.schema import known_steps
from tests.backup_tools import Ended, Keys, Shop, make_keys
from tests.filled_database import CALL, contents
from tests.grpc_bridge import NOBODY_THERE

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def made(filled_template_url: str, keys: Keys, tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One backup of three calls, in a folder."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        plan = Plan(filled_template_url, place_of(str(folder), "--to"), (keys.public,), None)
        trio.run(take_backup, plan, lambda size: None)
    return folder


@pytest.fixture
def backed_up(shop: Shop, made: Path) -> str:
    """Its name; it is in the bucket, as if made there."""
    for file in made.iterdir():
        shop.put(f"callengine/{file.name}", file.read_bytes())
    return next(file.name.removesuffix(PAGE) for file in made.glob(f"*{PAGE}"))


def assert_refused(ended: Ended, status: int, *parts: str) -> None:
    assert (ended.status, ended.stdout) == (status, ""), ended
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("callengine: ")
    for part in parts:
        assert part in ended.stderr


def restore(shop: Shop, url: str, *words: str) -> Ended:
    return shop.run("restore", "--identity", str(shop.keys.identity), *words, DATABASE_URL=url)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (lambda dump: dump[: len(dump) // 2], "of its"),
        (lambda dump: b"", "has 0 of its"),
        (lambda dump: dump[:-50] + bytes([dump[-50] ^ 1]) + dump[-49:], "is damaged"),
        (lambda dump: dump + b"x", "of its"),
    ],
    ids=["half", "nothing", "a bit flipped", "a byte more"],
)
def test_a_damaged_dump_is_refused_before_anything_is_touched(
    shop: Shop, backed_up: str, filled_url: str, harm: Callable[[bytes], bytes], problem: str
) -> None:
    name = f"callengine/{backed_up}{DUMP}"
    shop.put(name, harm(shop.objects()[name]))
    before = contents(filled_url)
    assert_refused(restore(shop, filled_url, "--force"), 1, backed_up, problem, "nothing was restored")
    assert contents(filled_url) == before


def test_another_key_is_named(shop: Shop, backed_up: str, empty_database_url: str, tools: Path, tmp_path: Path) -> None:
    other = make_keys(tools, tmp_path / "other.txt")
    ended = shop.run("restore", "--identity", str(other.identity), DATABASE_URL=empty_database_url)
    assert_refused(ended, 1, "age: no identity matched any of the recipients", "--identity")
    assert contents(empty_database_url) == {"sequences": []}


def test_what_is_no_dump_though_it_is_whole_is_refused(shop: Shop, backed_up: str, tools: Path) -> None:
    """A page that fits, a key that fits, and inside something else."""
    page = json.loads(shop.objects()[f"callengine/{backed_up}{PAGE}"])
    words = [str(tools / "age"), "-r", shop.keys.public]
    data = subprocess.run(words, input=b"no dump of PostgreSQL's", capture_output=True, check=True).stdout
    page |= {"size": len(data), "sha256": sha256(data).hexdigest()}
    shop.put(f"callengine/{backed_up}{DUMP}", data)
    shop.put(f"callengine/{backed_up}{PAGE}", json.dumps(page).encode())
    ended = shop.run("restore", "--identity", str(shop.keys.identity), "--check")
    assert_refused(ended, 1, "cannot be read, nothing was restored: pg_restore: ")


def test_a_database_that_is_not_empty_stays_as_it_is(shop: Shop, backed_up: str, filled_url: str) -> None:
    before = contents(filled_url)
    assert_refused(restore(shop, filled_url), 2, "DATABASE_URL: ", "is not empty", "3 calls", "--force")
    assert contents(filled_url) == before


def test_force_replaces_what_is_there(shop: Shop, backed_up: str, filled_url: str) -> None:
    before = contents(filled_url)
    with psycopg.connect(filled_url) as connection:
        connection.execute(CALL, ("a call since",))
        connection.execute("DROP TABLE notes")
        connection.execute("CREATE TABLE since AS SELECT call_id FROM calls")
    ended = restore(shop, filled_url, backed_up, "--force")
    assert ended.status == 0, ended.stderr
    assert contents(filled_url) == before
    again = shop.run("backup", DATABASE_URL=filled_url)
    assert again.status == 0, again.stderr


def test_a_forced_restore_that_fails_at_its_end_brings_back_what_was_there(
    shop: Shop, backed_up: str, filled_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_settings: Settings) -> int:
        raise ServiceError("the list of who was forgotten cannot be read")

    with psycopg.connect(filled_url) as connection:
        connection.execute(CALL, ("a call since",))
    before = contents(filled_url)
    monkeypatch.setattr(restoring, "forget_again", fail)
    assert_refused(restore(shop, filled_url, "--force"), 1, "the list of who was forgotten cannot be read")
    assert contents(filled_url) == before
    monkeypatch.undo()


def test_what_a_killed_restore_put_aside_is_told(shop: Shop, backed_up: str, filled_url: str) -> None:
    with psycopg.connect(filled_url) as connection:
        connection.execute("CREATE SCHEMA before_restore")
        connection.execute("ALTER TABLE calls SET SCHEMA before_restore")
    assert_refused(restore(shop, filled_url, "--force"), 2, "still has a schema before_restore")


def test_an_empty_schema_that_a_killed_restore_left_is_in_nobody_s_way(
    shop: Shop, backed_up: str, empty_database_url: str, filled_url: str
) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE SCHEMA before_restore")
    ended = restore(shop, empty_database_url)
    assert ended.status == 0, ended.stderr
    assert contents(empty_database_url) == contents(filled_url)


def test_a_backup_of_a_newer_version_is_told(shop: Shop, backed_up: str, empty_database_url: str) -> None:
    name = f"callengine/{backed_up}{PAGE}"
    page = json.loads(shop.objects()[name])
    shop.put(name, json.dumps(page | {"steps": [*page["steps"], "9999.later"]}).encode())
    ended = restore(shop, empty_database_url)
    assert_refused(ended, 2, backed_up, "newer version", "9999.later", known_steps()[-1])
    assert contents(empty_database_url) == {"sequences": []}


def test_a_page_that_says_nothing_is_told(shop: Shop, backed_up: str) -> None:
    shop.put(f"callengine/{backed_up}{PAGE}", b"[]")
    ended = shop.run("restore", "--identity", str(shop.keys.identity), "--check")
    assert_refused(ended, 1, backed_up, "no description of a backup")


def test_a_backup_that_there_is_not(shop: Shop) -> None:
    checked = ("restore", "--identity", str(shop.keys.identity), "--check")
    assert_refused(shop.run(*checked), 1, "no whole backup at s3://shop-backups/callengine")
    assert_refused(shop.run(*checked, "callengine-20260101T000000Z"), 1, "no whole backup callengine-20260101T000000Z")


@pytest.mark.parametrize(
    ("environment", "status", "problem"),
    [
        ({"BACKUP_TO": ""}, 2, "BACKUP_TO: must be s3://bucket/folder"),
        ({"BACKUP_TO": "s3://"}, 2, "BACKUP_TO: must be s3://bucket/folder"),
        ({"BACKUP_TO": "shop-backups"}, 2, "BACKUP_TO: must be s3://bucket/folder"),
        ({"BACKUP_RECIPIENT": ""}, 2, "BACKUP_RECIPIENT: is not set"),
        ({"BACKUP_RECIPIENT": "AGE-SECRET-KEY-1X"}, 2, "BACKUP_RECIPIENT: is no public key"),
        ({"BACKUP_RECIPIENT": "age1x"}, 1, "age: "),
        ({"DATABASE_URL": ""}, 2, "DATABASE_URL: is not set"),
        ({"DATABASE_URL": f"postgresql://u:secret@{NOBODY_THERE}/d"}, 1, "check DATABASE_URL"),
        ({"RCLONE_S3_ENDPOINT": f"http://{NOBODY_THERE}", "RCLONE_LOW_LEVEL_RETRIES": "1"}, 1, "rclone: "),
        ({"BACKUP_TO": "s3://another-bucket/x"}, 1, "rclone: "),
        ({"PATH": "/nowhere"}, 2, "rclone: is not installed: apt install rclone"),
    ],
    ids=[
        "no place", "no bucket", "no place known", "no key", "private key", "wrong key", "no database", "database away",
        "place away", "bucket away", "no rclone",
    ],
)  # fmt: skip
def test_a_backup_that_cannot_be_made_leaves_none(
    shop: Shop, database_url: str, environment: dict[str, str], status: int, problem: str
) -> None:
    ended = shop.run("backup", **({"DATABASE_URL": database_url} | environment))
    assert_refused(ended, status, problem)
    assert "secret" not in ended.stderr
    assert [name for name in shop.objects() if name.endswith(PAGE)] == []


def test_a_database_without_our_schema_is_not_backed_up(shop: Shop, empty_database_url: str) -> None:
    ended = shop.run("backup", DATABASE_URL=empty_database_url)
    assert_refused(ended, 2, "DATABASE_URL: ", "has no schema of callengine's")
    assert shop.objects() == {}


@pytest.mark.parametrize(
    ("words", "problem"),
    [((), "--identity: is not set"), (("--identity", "/no-key.txt"), "--identity: there is no file /no-key.txt")],
    ids=["none", "not there"],
)
def test_a_restore_without_its_key(shop: Shop, words: tuple[str, ...], problem: str) -> None:
    assert_refused(shop.run("restore", *words, "--check"), 2, problem)
