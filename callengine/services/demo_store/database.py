"""The Store's SQLite file: its tables, and the goods and orders it is filled with at the first start."""

import json
import re
import sqlite3
import tomllib
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

_TABLES = """
create table branch (
    id text primary key, name_ru text not null, name_en text not null, address_ru text not null,
    address_en text not null, phone text not null, hours text not null, hours_ru text not null, hours_en text not null
);
create table product (
    id text primary key, category text not null, brand text not null, model text not null, name_ru text not null,
    name_en text not null, size text not null, season text, studded integer, kopecks integer not null
);
create table stock (
    product_id text not null references product, branch_id text not null references branch,
    quantity integer not null check (quantity >= 0), primary key (product_id, branch_id)
);
create table orders (
    number integer primary key, phone text not null, name text, branch_id text not null references branch,
    status text not null, placed_on text not null, ready_on text
);
create index orders_by_phone on orders (phone);
create table order_item (
    number integer not null references orders, product_id text not null references product,
    quantity integer not null, kopecks integer not null, primary key (number, product_id)
);
create table callback (
    id integer primary key, phone text not null, name text, reason text not null, asked_on text not null
);
create table written_once (key text primary key, fingerprint text not null, answer text not null);
"""


def open_database(path: str, today: date) -> sqlite3.Connection:
    """The Store's database at a path (or `":memory:"`), made and filled if it is new. Raises sqlite3.Error.

    Orders are dated from `today`, the day of the first start.
    """
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    connection.execute("pragma foreign_keys = on")
    with connection:
        connection.execute("begin immediate")  # two processes on one new file: one fills it, the other waits
        if not connection.execute("select 1 from sqlite_master where name = 'branch'").fetchone():
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            _fill(connection, today)
    return connection


def load_data(name: str) -> dict[str, Any]:
    """One of the package's data files, without its `.toml`."""
    text = files("callengine.services.demo_store").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def plain_phone(phone: str) -> str:
    """A phone number in E.164, the form it is stored and compared in; Russia's 8 and bare ten digits are +7."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) == 11 and digits[0] == "8" and not phone.strip().startswith("+"):
        digits = "7" + digits[1:]
    elif len(digits) == 10 and not phone.strip().startswith("+"):
        digits = "7" + digits
    return "+" + digits


def to_kopecks(roubles: str) -> int:
    """«9890.50» roubles in kopecks."""
    return int(Decimal(roubles) * 100)


def to_roubles(kopecks: int) -> Decimal:
    """Kopecks as roubles with two decimals."""
    return Decimal(kopecks).scaleb(-2)


def _fill(connection: sqlite3.Connection, today: date) -> None:
    branches = load_data("branches")["branch"]
    _insert(connection, "branch", [{**branch, "hours": json.dumps(branch["hours"])} for branch in branches])
    products = load_data("products")["product"]
    prices = {product["id"]: to_kopecks(product["price"]) for product in products}
    columns = ("id", "category", "brand", "model", "name_ru", "name_en", "size", "season", "studded")
    _insert(
        connection,
        "product",
        [{column: p.get(column) for column in columns} | {"kopecks": prices[p["id"]]} for p in products],
    )
    _insert(
        connection,
        "stock",
        [
            {"product_id": product["id"], "branch_id": branch["id"], "quantity": quantity}
            for product in products
            for branch, quantity in zip(branches, product["stock"], strict=True)
        ],
    )
    _fill_orders(connection, prices, today)


def _fill_orders(connection: sqlite3.Connection, prices: dict[str, int], today: date) -> None:
    orders = load_data("orders")["order"]
    _insert(
        connection,
        "orders",
        [
            {
                "number": order["number"],
                "phone": order["phone"],
                "name": order["name"],
                "branch_id": order["branch"],
                "status": order["status"],
                "placed_on": _days_after(today, -order["placed"]),
                "ready_on": None if order["status"] == "cancelled" else _days_after(today, order["ready"]),
            }
            for order in orders
        ],
    )
    _insert(
        connection,
        "order_item",
        [
            {"number": order["number"], "product_id": product, "quantity": quantity, "kopecks": prices[product]}
            for order in orders
            for product, quantity in order["items"]
        ],
    )


def _days_after(today: date, days: int) -> str:
    return (today + timedelta(days=days)).isoformat()


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(rows[0])
    places = ", ".join(f":{column}" for column in rows[0])
    connection.executemany(f"insert into {table} ({columns}) values ({places})", rows)  # noqa: S608 - names are ours
