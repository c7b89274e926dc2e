"""Who was forgotten after a backup was made is not brought back by it."""

import json
from pathlib import Path

import psycopg
import pytest

from callengine.services.forget_list import ForgetList
from tests.backup_tools import Ended, Shop
from tests.filled_database import contents, fill

pytestmark = pytest.mark.integration

PERSONAL = "SELECT c.number, c.name, t.text FROM calls c JOIN turns t USING (call_id) WHERE call_id = %s"


def personal(url: str, call_id: str) -> set[str]:
    """What there is to be known of a caller."""
    with psycopg.connect(url) as connection:
        return {value for row in connection.execute(PERSONAL, (call_id,)).fetchall() for value in row}


def restore(shop: Shop, url: str) -> Ended:
    return shop.run("restore", "--json", "--identity", str(shop.keys.identity), DATABASE_URL=url)


def test_a_dump_of_before_the_forgetting_comes_back_cleared(
    shop: Shop, database_url: str, empty_database_url: str
) -> None:
    fill(database_url, 3)
    made = shop.run("backup", DATABASE_URL=database_url)
    assert made.status == 0, made.stderr
    forgot = shop.run("forget", "--call", "call-1", DATABASE_URL=database_url)
    assert (forgot.status, personal(database_url, "call-1")) == (0, {""}), forgot.stderr

    back = restore(shop, empty_database_url)
    assert (back.status, json.loads(back.stdout)["forgotten"]) == (0, 1), back.stderr
    assert personal(empty_database_url, "call-1") == {""}
    assert "Анна" in personal(empty_database_url, "call-0")
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT kind FROM forget_list").fetchall() == [("call",)], "nodes learn of it"


def test_a_list_that_cannot_be_read_fails_the_restore(
    shop: Shop, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    fill(database_url, 1)
    made = shop.run("backup", DATABASE_URL=database_url)
    assert made.status == 0, made.stderr
    path = ForgetList(tmp_path / "data").path
    path.parent.mkdir(parents=True)
    path.write_text("rubbish\n")
    back = restore(shop, empty_database_url)
    assert (back.status, back.stdout) == (2, "")
    assert "line 1 of the forget list" in back.stderr
    assert contents(empty_database_url) == {"sequences": []}, "nobody is brought back"

    path.unlink()
    back = restore(shop, empty_database_url)
    assert back.status == 0, back.stderr
    assert contents(empty_database_url) == contents(database_url)
