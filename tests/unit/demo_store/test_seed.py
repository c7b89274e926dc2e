"""The shop's data holds together, and phones come to one spelling."""

from datetime import date

import pytest

from callengine.services.demo_store.catalogue import Catalogue
from callengine.services.demo_store.database import open_database, plain_phone
from callengine.services.demo_store.orders import orders_of_phone, read_order

TODAY = date(2030, 3, 1)


@pytest.mark.parametrize(
    "phone", ["+79990001042", "8 (999) 000-10-42", "9990001042", "+7 999 000 10 42", "7-999-000-10-42"]
)
def test_a_phone_in_any_spelling(phone: str) -> None:
    assert plain_phone(phone) == "+79990001042"


def test_a_foreign_phone_keeps_its_country() -> None:
    assert plain_phone("+44 20 7946 0000") == "+442079460000"
    assert plain_phone("+86 10 1234 5678") == "+861012345678"


def test_orders_are_dated_from_the_first_start() -> None:
    database = open_database(":memory:", TODAY)
    order = read_order(database, 1042)
    assert (order.placed_on, order.ready_on) == (date(2030, 2, 27), date(2030, 3, 2))
    assert str(order.total) == "39560.00"
    assert [found.number for found in orders_of_phone(database, "8 999 000-10-42")] == [1042, 1037]
    assert read_order(database, 1019).ready_on is None
    database.close()


def test_all_of_the_shop_is_there() -> None:
    database = open_database(":memory:", TODAY)
    numbers = [row["number"] for row in database.execute("select number from orders order by number")]
    assert numbers == [*range(1001, 1021), 1024, 1031, 1037, 1042, 1050]
    assert database.execute("select count(*) from product").fetchone()[0] == 40
    branches = Catalogue(database).branches()
    assert [branch.id for branch in branches] == ["north", "south", "warehouse"]
    assert [(day.weekday, day.opens, day.closes) for day in branches[1].hours][-2:] == [
        ("saturday", "09:00", "18:00"),
        ("sunday", None, None),
    ]
    assert database.execute("pragma foreign_key_check").fetchall() == []
    database.close()


def test_a_file_is_filled_once(tmp_path: object) -> None:
    path = f"{tmp_path}/store.sqlite"
    open_database(path, TODAY).close()
    database = open_database(path, date(2031, 1, 1))
    assert read_order(database, 1042).placed_on == date(2030, 2, 27)
    database.close()
