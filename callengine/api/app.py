"""The HTTP application: routes, errors and access put together."""

from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp

from callengine.api.access import guarded, tokens_of
from callengine.api.calls import dialplan_routes, record_routes
from callengine.api.events import event_routes
from callengine.api.figures import figure_routes
from callengine.api.health import health_routes
from callengine.api.operators import operator_routes
from callengine.api.problems import answer_with_problems
from callengine.api.recordings import recording_routes
from callengine.api.security_headers import with_security_headers
from callengine.api.state import ApiState


def build_api(state: ApiState) -> ASGIApp:
    """The application for one engine, as it is served."""
    return with_security_headers(described_api(state))


def described_api(state: ApiState) -> FastAPI:
    """The application with its OpenAPI document. Every endpoint is async: a sync one would run in a thread."""
    # The documentation pages are off: they load scripts from elsewhere.
    app = FastAPI(
        title="callengine", version=version("callengine"), docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.include_router(health_routes(state), tags=["health"])
    app.include_router(figure_routes(), tags=["health"])
    app.include_router(record_routes(state), tags=["record"])
    app.include_router(recording_routes(state), tags=["record"])
    app.include_router(event_routes(state), tags=["events"])
    app.include_router(dialplan_routes(state), tags=["dialplan"])
    app.include_router(operator_routes(state), tags=["operators"])
    app.add_middleware(guarded, tokens=tokens_of(state.settings))
    answer_with_problems(app)
    return app
