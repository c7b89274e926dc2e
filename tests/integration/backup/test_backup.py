"""A backup and the way back: the same rows, of one moment though calls go on, and nothing for anybody else to read."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from callengine.backup.copies import DUMP, PAGE, name_at, read_page
from callengine.services.schema import known_steps
from tests.backup_tools import Shop
from tests.filled_database import CALL, TURN, contents

pytestmark = pytest.mark.integration

AHEAD = "INSERT INTO schema_migrations (migration_hash, migration_id) VALUES ('9', '9999.later')"
# Else the SDK asks a cloud's own address for keys, which a machine that is in none waits for.
NO_CLOUD = {"AWS_EC2_METADATA_DISABLED": "true"}


def test_the_same_rows_come_back(shop: Shop, filled_url: str, empty_database_url: str) -> None:
    made = shop.run("backup", "--json", DATABASE_URL=filled_url)
    assert (made.status, made.stderr) == (0, "")
    said = json.loads(made.stdout)
    assert (said["rows"]["calls"], said["rows"]["turns"], said["rows"]["notes"]) == (3, 6, 2)

    back = shop.run("restore", "--json", "--identity", str(shop.keys.identity), DATABASE_URL=empty_database_url)
    assert (back.status, back.stderr) == (0, "")
    assert json.loads(back.stdout) == {
        "command": "restore",
        "name": said["name"],
        "rows": said["rows"],
        "restored": True,
        "migrations": 0,
        "forgotten": 0,
    }
    before = contents(filled_url)
    assert contents(empty_database_url) == before
    assert before["sequences"] == [("notes_id_seq", 2)]
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("INSERT INTO notes (text) VALUES ('three') RETURNING id").fetchone() == (3,)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(TURN, ("nobody", 1))


def test_nothing_that_was_said_can_be_read_without_the_key(shop: Shop, filled_url: str) -> None:
    assert shop.run("backup", DATABASE_URL=filled_url).status == 0
    objects = shop.objects()
    assert [name.partition(".")[2] for name in sorted(objects)] == [DUMP[1:], PAGE[1:]]
    for data in objects.values():
        assert b"9161234567" not in data
        assert "шины".encode() not in data
    assert next(data for name, data in objects.items() if name.endswith(DUMP)).startswith(b"age-encryption.org/v1\n")


def test_a_backup_of_a_database_that_is_ahead_says_so(shop: Shop, filled_url: str) -> None:
    with psycopg.connect(filled_url) as connection:
        connection.execute(AHEAD)
    made = shop.run("backup", "--json", DATABASE_URL=filled_url)
    assert made.status == 0
    name = json.loads(made.stdout)["name"]
    assert made.stderr == (
        f"callengine backup: {name} has step 9999.later of a newer version: only that version restores it\n"
    )


@contextmanager
def calls_going_on(url: str) -> Iterator[threading.Event]:
    """Whole calls one after the other, each in one transaction; the event says that some have been."""
    some, over = threading.Event(), threading.Event()

    def call() -> None:
        number = 0
        with psycopg.connect(url) as connection:
            while not over.is_set():
                number += 1
                connection.execute(CALL, (f"later-{number}",))
                connection.execute(TURN, (f"later-{number}", 1))
                connection.execute(TURN, (f"later-{number}", 2))
                connection.commit()
                if number == 50:
                    some.set()

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield some
    finally:
        over.set()
        thread.join()


def test_a_backup_is_of_one_moment_though_calls_go_on(shop: Shop, filled_url: str, empty_database_url: str) -> None:
    with calls_going_on(filled_url) as some:
        some.wait()
        made = shop.run("backup", "--json", DATABASE_URL=filled_url)
    assert made.status == 0, made.stderr
    rows = json.loads(made.stdout)["rows"]
    back = shop.run("restore", "--identity", str(shop.keys.identity), DATABASE_URL=empty_database_url)
    assert back.status == 0, back.stderr
    found = contents(empty_database_url)
    assert {name: len(found[name]) for name in rows} == rows
    assert len(contents(filled_url)["calls"]) > rows["calls"] > 50
    with psycopg.connect(empty_database_url) as connection:
        each = "SELECT count(*) FROM turns WHERE call_id LIKE 'later-%' GROUP BY call_id"
        assert {count for (count,) in connection.execute(each)} == {2}, "a call came back in part"


def test_old_ones_go_and_what_is_not_ours_stays(shop: Shop, filled_url: str) -> None:
    now = datetime.now(UTC)
    old, young = name_at(now - timedelta(days=40)), name_at(now - timedelta(days=2))
    broken_off, at_work = name_at(now - timedelta(days=3)), name_at(now - timedelta(hours=1))
    for name in (old, young):
        shop.put(f"callengine/{name}{DUMP}", b"x")
        shop.put(f"callengine/{name}{PAGE}", b"{}")
    for name in (broken_off, at_work):
        shop.put(f"callengine/{name}{DUMP}", b"x")
    shop.put("callengine/notes.txt", b"x")
    made = shop.run("backup", "--json", DATABASE_URL=filled_url)
    assert made.status == 0, made.stderr
    said = json.loads(made.stdout)
    assert sorted(said["deleted"]) == sorted([old + DUMP, old + PAGE, broken_off + DUMP])
    left = {name.removeprefix("callengine/") for name in shop.objects()}
    new = said["name"]
    assert left == {new + DUMP, new + PAGE, young + DUMP, young + PAGE, at_work + DUMP, "notes.txt"}
    assert shop.run("backup", "--list").stdout.split() == [young, new]


def test_the_page_beside_a_dump_says_what_is_in_it(shop: Shop, filled_url: str) -> None:
    made = json.loads(shop.run("backup", "--json", DATABASE_URL=filled_url).stdout)
    objects = shop.objects()
    copy = read_page(objects[f"callengine/{made['name']}{PAGE}"])
    assert (copy.size, copy.sha256) == (made["size"], made["sha256"])
    assert copy.size == len(objects[f"callengine/{made['name']}{DUMP}"])
    assert tuple(copy.steps) == known_steps()


def test_the_command_as_it_is_installed_and_a_folder_as_the_place(shop: Shop, filled_url: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "callengine", "backup", "--to", f"{tmp_path}/backups"]
    env = {**os.environ, "DATABASE_URL": filled_url}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 calls" in done.stdout
    checked = shop.run("restore", "--from", f"{tmp_path}/backups", "--identity", str(shop.keys.identity), "--check")
    assert (checked.status, "is whole: 3 calls" in checked.stdout) == (0, True), checked.stderr


def test_the_bucket_s_keys_may_be_in_a_file_as_compose_gives_them(shop: Shop, filled_url: str, tmp_path: Path) -> None:
    file = tmp_path / "backup_s3"
    file.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    shop.monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    shop.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    nothing = shop.run("backup", DATABASE_URL=filled_url, AWS_SHARED_CREDENTIALS_FILE="/no-such-file", **NO_CLOUD)
    assert nothing.status == 1
    made = shop.run("backup", DATABASE_URL=filled_url, AWS_SHARED_CREDENTIALS_FILE=str(file), **NO_CLOUD)
    assert made.status == 0, made.stderr
