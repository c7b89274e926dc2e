"""Where an OpenAPI document is read from: a file, a URL, or the Store itself."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import trio
import yaml

from callengine.errors import ServiceError
from callengine.services.openapi_schemas import DocumentError

_FETCH_SECONDS = 10.0
_LARGEST = 16 * 1024 * 1024
# The one in C, where PyYAML was built with it, reads a document of a thousand lines in milliseconds.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


async def load_document(where: str, client: httpx.AsyncClient) -> Mapping[str, Any]:
    """The document at a URL, in a file, or (empty) at the Store's own `openapi.json`, asked with its token.

    Raises DocumentError for what is none, ServiceError where the Store or the URL gives none."""
    if not where:
        return await _read(await _fetch(client, "/openapi.json"))
    if "://" in where:
        async with httpx.AsyncClient(follow_redirects=True, timeout=None) as anybody:  # noqa: S113 - `_fetch` has one
            return await _read(await _fetch(anybody, where))
    try:
        return await _read(await trio.Path(where).read_text(encoding="utf-8"))
    except OSError as error:
        raise DocumentError(f"cannot read {where!r}: {error.strerror}; without it the Store's own is taken") from None
    except UnicodeDecodeError:
        raise DocumentError(f"{where!r} is not UTF-8 text") from None


def read_document(text: str) -> Mapping[str, Any]:
    """An OpenAPI 3 document from JSON or YAML. Raises DocumentError."""
    try:
        document = json.loads(text)
    except ValueError:
        try:
            document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, which the rule does not see
        except yaml.YAMLError as error:
            raise DocumentError(f"neither JSON nor YAML: {' '.join(str(error).split())}"[:300]) from None
    if not isinstance(document, Mapping):
        raise DocumentError("it is no OpenAPI document")
    version = str(document.get("openapi", ""))
    if not version.startswith("3."):
        said = "Swagger 2.0" if "swagger" in document else f"openapi {version!r}"
        raise DocumentError(f"OpenAPI 3.0 or 3.1 is needed, this is {said}; convert it first")
    return document


async def _read(text: str) -> Mapping[str, Any]:
    return await trio.to_thread.run_sync(read_document, text)


async def _fetch(client: httpx.AsyncClient, url: str) -> str:
    shown = url if "://" in url else f"{client.base_url}{url.lstrip('/')}"
    with trio.move_on_after(_FETCH_SECONDS):
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            raise ServiceError(f"no document at {shown}: {error or type(error).__name__}") from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > _LARGEST:
            raise ServiceError(f"no document at {shown}: status {answer.status_code}, {len(answer.content)} bytes")
        return answer.text
    raise ServiceError(f"no document at {shown}: no answer in {_FETCH_SECONDS:.0f} s")
