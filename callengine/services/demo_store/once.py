"""Writes that happen once however often they are sent.

Follows the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header).
"""

import hashlib
import sqlite3
from collections.abc import Callable
from http import HTTPStatus

from fastapi import HTTPException
from pydantic import BaseModel


def write_once(
    database: sqlite3.Connection, key: str | None, request: BaseModel, write: Callable[[], BaseModel]
) -> str:
    """Do a write in one transaction and give its answer as JSON text, or what the same key was answered before.

    The same key with another request is refused with HTTPException 422. A write that failed leaves nothing behind,
    so its key may be tried again. Without a key every request is a write of its own.
    """
    fingerprint = hashlib.sha256(f"{type(request).__name__} {request.model_dump_json()}".encode()).hexdigest()
    with database:
        database.execute("begin immediate")
        row = database.execute("select * from written_once where key = ?", (key,)).fetchone()
        if row is None:
            answer = write().model_dump_json()
            if key is not None:
                database.execute("insert into written_once values (?, ?, ?)", (key, fingerprint, answer))
            return answer
    if row["fingerprint"] != fingerprint:
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "this Idempotency-Key stands for another request; take a new key for a new one",
        )
    return str(row["answer"])
