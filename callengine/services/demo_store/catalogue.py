"""Products and branches of the Store: looking for them, and reading one with its stock."""

import json
import sqlite3
from collections.abc import Iterable
from http import HTTPStatus
from typing import get_args

from fastapi import HTTPException

from callengine.services.demo_store import search
from callengine.services.demo_store.database import load_data, to_roubles
from callengine.services.demo_store.schemas import (
    Branch,
    BranchStock,
    Product,
    ProductList,
    ProductQuery,
    ProductSummary,
    Weekday,
    WeekdayHours,
)
from callengine.services.demo_store.sizes import keys_of_size, read_size

TIMEZONE = "Europe/Moscow"
_PRODUCTS = """
select product.*, coalesce(sum(stock.quantity), 0) as stock_total
from product left join stock on stock.product_id = product.id group by product.id order by product.id
"""
_STOCK = """
select branch.id, branch.name_ru, branch.name_en, stock.quantity
from stock join branch on branch.id = stock.branch_id where stock.product_id = ? order by branch.rowid
"""


class Catalogue:
    """The goods of a database with the search index over them, built once: goods change only by restart."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._words = load_data("words")
        self._index = search.build_index([dict(row) for row in self._rows()], self._words)

    def find(self, query: ProductQuery) -> ProductList:
        """Products that fit a query. Raises HTTPException 422 for a size that is none."""
        found = search.find(self._index, query.text) if query.text else None
        rows = [row for row in self._rows() if found is None or row["id"] in found.scores]
        if query.size is not None:
            rows = _of_size(rows, query.size)
        if query.brand is not None:
            rows = [row for row in rows if search.same_brand(query.brand, row["brand"], self._words)]
        hits = [row for row in rows if _passes(row, query)]
        scores = found.scores if found else {}
        hits.sort(key=lambda row: (-scores.get(row["id"], 0), row["stock_total"] == 0, row["kopecks"], row["id"]))
        return ProductList(
            items=tuple(ProductSummary.model_validate(_fields(row)) for row in hits[: query.limit]),
            total=len(hits),
            unmatched_words=found.unmatched if found else (),
        )

    def product(self, product_id: str) -> Product:
        """One product with its stock. Raises HTTPException 404."""
        row = next((row for row in self._rows() if row["id"] == product_id), None)
        if row is None:
            raise HTTPException(
                HTTPStatus.NOT_FOUND, f"there is no product {product_id}; search for it by name or size"
            )
        stock = tuple(
            BranchStock(
                branch_id=line["id"],
                branch_name_ru=line["name_ru"],
                branch_name_en=line["name_en"],
                quantity=line["quantity"],
            )
            for line in self._database.execute(_STOCK, (product_id,))
        )
        return Product.model_validate({**_fields(row), "stock": stock})

    def branches(self) -> tuple[Branch, ...]:
        """All branches with their hours."""
        rows = self._database.execute("select * from branch order by rowid")
        return tuple(
            Branch.model_validate({**dict(row), "timezone": TIMEZONE, "hours": _hours(json.loads(row["hours"]))})
            for row in rows
        )

    def _rows(self) -> list[sqlite3.Row]:
        return self._database.execute(_PRODUCTS).fetchall()


def _of_size(rows: Iterable[sqlite3.Row], size: str) -> list[sqlite3.Row]:
    wanted = read_size(size)
    if not wanted:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY, "size is not a size; write it as 205/55 R16, R16, 5x114.3 or 60 Ah"
        )
    return [row for row in rows if wanted <= keys_of_size(row["size"])]


def _passes(row: sqlite3.Row, query: ProductQuery) -> bool:
    return (
        query.category in (None, row["category"])
        and query.season in (None, row["season"])
        and (row["stock_total"] > 0 or not query.in_stock)
    )


def _fields(row: sqlite3.Row) -> dict[str, object]:
    studded = row["studded"]
    return {**dict(row), "price": to_roubles(row["kopecks"]), "studded": None if studded is None else bool(studded)}


def _hours(week: list[list[str]]) -> tuple[WeekdayHours, ...]:
    return tuple(
        WeekdayHours(weekday=day, opens=times[0] if times else None, closes=times[1] if times else None)
        for day, times in zip(get_args(Weekday), week, strict=True)
    )
