"""Errors as `application/problem+json` (RFC 9457): one line for a person, nothing of the request echoed."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import compile_path

from callengine.errors import ServiceError

log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A response that says what is wrong and what to do."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, dict(headers or {}), media_type="application/problem+json")


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the errors a route may give."""
    schema = {"schema": Problem.model_json_schema()}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {"application/problem+json": schema}}
        for status in statuses
    }


async def _http(request: Request, error: Exception) -> JSONResponse:  # noqa: ASYNC124
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods_of(request)):
        headers["Allow"] = ", ".join(sorted(methods))
    return problem(error.status_code, str(error.detail), headers)


def _methods_of(request: Request) -> set[str]:
    """Every method that the path has (RFC 9110, section 15.5.6); Starlette names those of its first route alone."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    mine = [methods for path, methods in paths.items() if compile_path(path)[0].match(request.url.path)]
    return {method.upper() for methods in mine for method in methods}


async def _invalid(_request: Request, error: Exception) -> JSONResponse:  # noqa: ASYNC124
    assert isinstance(error, RequestValidationError)
    found = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg'].lower()}" for item in error.errors()]
    return problem(422, "; ".join(found))


async def _away(request: Request, error: Exception) -> JSONResponse:  # noqa: ASYNC124
    # The text may name hosts and users: it is for the log; the response points at where the state is shown.
    log.warning("request needs a service that is away", path=request.scope["route"].path, problem=str(error))
    return problem(503, "a service this needs cannot be reached; /health says which", {"Retry-After": "5"})


async def _failed(_request: Request, _error: Exception) -> JSONResponse:  # noqa: ASYNC124
    # Starlette raises the error again after this response, and the server logs it.
    return problem(500, "this is a fault of the engine; its log says more")


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of the application a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ServiceError, _away)
    app.add_exception_handler(Exception, _failed)
