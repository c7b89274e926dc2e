"""Orders and call-back requests of the Store. Writes run inside the transaction of `once.write_once`."""

import sqlite3
from datetime import date, timedelta
from http import HTTPStatus

from fastapi import HTTPException

from callengine.services.demo_store.database import plain_phone, to_roubles
from callengine.services.demo_store.schemas import Callback, NewCallback, NewOrder, Order, OrderItem

_ORDER = """
select orders.*, branch.name_ru as branch_name_ru, branch.name_en as branch_name_en
from orders join branch on branch.id = orders.branch_id
"""
_ITEMS = """
select order_item.*, product.name_ru, product.name_en
from order_item join product on product.id = order_item.product_id where number = ? order by order_item.rowid
"""
_DAYS_TO_READY = 3
_MOST_ORDERS = 20
_CANCELLABLE = ("new", "confirmed", "in_transit", "ready")


def read_order(database: sqlite3.Connection, number: int) -> Order:
    """One order. Raises HTTPException 404."""
    row = database.execute(_ORDER + "where number = ?", (number,)).fetchone()
    if row is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no order {number}; ask for the number again")
    return _order(database, row)


def orders_of_phone(database: sqlite3.Connection, phone: str) -> tuple[Order, ...]:
    """The latest orders placed from a phone, the newest first; none is an empty answer, not an error."""
    rows = database.execute(
        _ORDER + "where orders.phone = ? order by placed_on desc, number desc limit ?",
        (plain_phone(phone), _MOST_ORDERS),
    ).fetchall()
    return tuple(_order(database, row) for row in rows)


def place_order(database: sqlite3.Connection, new: NewOrder, today: date) -> Order:
    """Write an order and take its goods out of stock. Raises HTTPException 404 (branch, product), 409 (stock)."""
    if not database.execute("select 1 from branch where id = ?", (new.branch_id,)).fetchone():
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such branch; see the list of branches")
    quantities: dict[str, int] = {}
    for item in new.items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    for product_id, quantity in quantities.items():
        _take(database, product_id, new.branch_id, quantity)
    number: int = database.execute("select max(number) + 1 from orders").fetchone()[0]
    database.execute(
        "insert into orders values (?, ?, ?, ?, 'new', ?, ?)",
        (
            number,
            plain_phone(new.phone),
            new.customer_name,
            new.branch_id,
            today.isoformat(),
            (today + timedelta(days=_DAYS_TO_READY)).isoformat(),
        ),
    )
    database.executemany(
        "insert into order_item select ?, id, ?, kopecks from product where id = ?",
        [(number, quantity, product_id) for product_id, quantity in quantities.items()],
    )
    return read_order(database, number)


def cancel_order(database: sqlite3.Connection, number: int) -> Order:
    """Cancel an order and put its goods back; cancelling twice changes nothing. Raises HTTPException 404, 409."""
    order = read_order(database, number)
    if order.status == "cancelled":
        return order
    if order.status not in _CANCELLABLE:
        raise HTTPException(HTTPStatus.CONFLICT, f"order {number} is {order.status} and cannot be cancelled any more")
    database.execute("update orders set status = 'cancelled', ready_on = null where number = ?", (number,))
    database.executemany(
        "update stock set quantity = quantity + ? where product_id = ? and branch_id = ?",
        [(item.quantity, item.product_id, order.branch_id) for item in order.items],
    )
    return read_order(database, number)


def ask_callback(database: sqlite3.Connection, new: NewCallback, today: date) -> Callback:
    """Record that somebody wants to be called back."""
    row = database.execute(
        "insert into callback (phone, name, reason, asked_on) values (?, ?, ?, ?) returning id",
        (plain_phone(new.phone), new.customer_name, new.reason, today.isoformat()),
    ).fetchone()
    return Callback(id=row["id"])


def _take(database: sqlite3.Connection, product_id: str, branch_id: str, quantity: int) -> None:
    row = database.execute(
        "select quantity from stock where product_id = ? and branch_id = ?", (product_id, branch_id)
    ).fetchone()
    if row is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no product {product_id}; search for it by name or size")
    if row["quantity"] < quantity:
        raise HTTPException(
            HTTPStatus.CONFLICT,
            f"branch {branch_id} has {row['quantity']} of {product_id}, not {quantity}; take fewer or another branch",
        )
    database.execute(
        "update stock set quantity = quantity - ? where product_id = ? and branch_id = ?",
        (quantity, product_id, branch_id),
    )


def _order(database: sqlite3.Connection, row: sqlite3.Row) -> Order:
    lines = database.execute(_ITEMS, (row["number"],)).fetchall()
    return Order(
        number=row["number"],
        status=row["status"],
        placed_on=row["placed_on"],
        ready_on=row["ready_on"],
        branch_id=row["branch_id"],
        branch_name_ru=row["branch_name_ru"],
        branch_name_en=row["branch_name_en"],
        phone_ending=row["phone"][-4:],
        items=tuple(
            OrderItem(
                product_id=line["product_id"],
                name_ru=line["name_ru"],
                name_en=line["name_en"],
                quantity=line["quantity"],
                price=to_roubles(line["kopecks"]),
            )
            for line in lines
        ),
        total=to_roubles(sum(line["kopecks"] * line["quantity"] for line in lines)),
    )
