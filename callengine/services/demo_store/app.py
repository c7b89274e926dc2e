"""The Store as an ASGI application."""

import secrets
import sqlite3
from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.applications import Starlette
from starlette.routing import Mount

from callengine.services.demo_store.catalogue import Catalogue
from callengine.services.demo_store.document import build_document
from callengine.services.demo_store.problems import install_problems
from callengine.services.demo_store.routes import Shop, router

BASE_PATH = "/api/v1"
_DESCRIPTION = """\
The API a shop gives the phone agent: products with prices and stock by branch, orders, branches and their hours.
This is the demo shop for tyres, wheels and batteries that the engine embeds; a shop of your own needs no more than
its own OpenAPI document. Money is roubles as decimal text, dates are ISO 8601, errors are problem documents."""
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="Where the Store was started with a token, every request needs it.",
)


def build_app(
    database: sqlite3.Connection, today: Callable[[], date], token: str = "", *, honours_keys: bool = True
) -> FastAPI:
    """The Store over a database made by `open_database`. With a token, every request needs it as a bearer token.

    Without `honours_keys` an Idempotency-Key is not looked at, as many a shop's system does not."""

    async def require_token(sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:  # noqa: ASYNC124
        if token and not (sent and secrets.compare_digest(sent.credentials.encode(), token.encode())):
            raise HTTPException(401, "the bearer token is missing or wrong", {"WWW-Authenticate": "Bearer"})

    app = FastAPI(title="Demo Store", version="1", description=_DESCRIPTION, docs_url=None, redoc_url=None)
    app.state.shop = Shop(database, Catalogue(database), today, honours_keys)
    app.include_router(router, dependencies=[Depends(require_token)])
    install_problems(app)
    document = build_document(app, BASE_PATH)
    app.openapi = lambda: document  # type: ignore[method-assign]  # FastAPI's own way of extending it
    return app


def at_base_path(app: FastAPI) -> Starlette:
    """The Store where it is served: everything of it, also `openapi.json`, under `/api/v1`."""
    return Starlette(routes=[Mount(BASE_PATH, app)])
