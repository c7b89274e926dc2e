"""Errors of the Store's API as application/problem+json (RFC 9457), one line each, without what the caller sent."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from callengine.services.demo_store.schemas import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"


def install_problems(app: FastAPI) -> None:
    """Make every error answer of an app a problem document."""
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)


async def _http_problem(_request: Request, error: Exception) -> Response:  # noqa: ASYNC124
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, str(error.detail), headers=error.headers)


async def _validation_problem(_request: Request, error: Exception) -> Response:  # noqa: ASYNC124
    assert isinstance(error, RequestValidationError)
    # A location starts with where it stood (query, body, ...), which the field's name does not need.
    fields = tuple(
        FieldProblem(field=".".join(str(part) for part in problem["loc"][1:]) or "body", message=problem["msg"])
        for problem in error.errors()
    )
    detail = "; ".join(f"{field.field}: {field.message}" for field in fields[:3])
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, fields)


def problem_response(
    status: int, detail: str, fields: tuple[FieldProblem, ...] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """An error answer of one line."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=fields)
    return Response(problem.model_dump_json(exclude_defaults=False), status, headers, MEDIA_TYPE)
