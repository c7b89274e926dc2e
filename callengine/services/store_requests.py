"""A request to the Store from an operation and its parameters' values, and the key that stands for a write. Pure."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from callengine.services.openapi import Operation, Parameter

_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}


class UnfitValueError(ValueError):
    """A value that cannot stand where it is to stand. Its text is for whoever gave it, one line."""


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One HTTP request under the Store's base URL; `body` None: it has none."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def build_request(operation: Operation, values: Mapping[str, Any]) -> StoreRequest:
    """The request for values by the parameters' names. Raises UnfitValueError."""
    path, query, headers = operation.path, [], {}
    body: dict[str, Any] = {}
    for parameter in operation.parameters:
        if parameter.name not in values:
            continue
        value = canonical(values[parameter.name])
        match parameter.place:
            case "path":
                path = path.replace(f"{{{parameter.name}}}", _segment(parameter, value))
            case "query":
                query += _query(parameter, value)
            case "header":
                headers[parameter.name] = _header(parameter, value)
            case "body":
                body[parameter.name.removeprefix("body.")] = value
    sent, kind = _body(operation, body)
    return StoreRequest(operation.method, path, tuple(query), {**headers, **kind}, sent)


def write_key(call_id: str, operation: str, values: Mapping[str, Any]) -> str:
    """What stands for a write: the same for the same values of the same call, in whatever order they came."""
    text = json.dumps([call_id, operation, canonical(dict(values))], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """A JSON value in the one form that all its spellings share: 4.0 is 4 (as in JSON Schema), text is in NFC
    and can be encoded."""
    match value:
        case dict():
            return {canonical(name): canonical(item) for name, item in sorted(value.items())}
        case list() | tuple():
            return [canonical(item) for item in value]
        case str():
            return unicodedata.normalize("NFC", value).encode("utf-8", "replace").decode()
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _segment(parameter: Parameter, value: Any) -> str:
    items = value if isinstance(value, list) else [value]
    text = ",".join(quote(_text(item), safe="") for item in items)
    if not text.strip("."):  # such a segment would lead to another operation
        raise UnfitValueError(f"{parameter.name}: {text!r} cannot be used")
    return text


def _query(parameter: Parameter, value: Any) -> list[tuple[str, str]]:
    """OpenAPI's styles of a query: form (exploded or not), spaces, pipes, deepObject; or JSON."""
    name = parameter.name
    if parameter.style == "json":
        return [(name, json.dumps(value, ensure_ascii=False))]
    if isinstance(value, list):
        if parameter.explode:
            return [(name, _text(item)) for item in value]
        return [(name, _SEPARATORS.get(parameter.style, ",").join(map(_text, value)))]
    if isinstance(value, dict):
        if parameter.style == "deepObject":
            return [(f"{name}[{key}]", _text(item)) for key, item in value.items()]
        if parameter.explode:
            return [(key, _text(item)) for key, item in value.items()]
        return [(name, ",".join(f"{key},{_text(item)}" for key, item in value.items()))]
    return [(name, _text(value))]


def _header(parameter: Parameter, value: Any) -> str:
    text = ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
    if not (text.isascii() and text.isprintable()):
        raise UnfitValueError(f"{parameter.name}: holds characters that cannot stand in an HTTP header")
    return text


def _body(operation: Operation, body: dict[str, Any]) -> tuple[bytes | None, dict[str, str]]:
    if not any(parameter.place == "body" for parameter in operation.parameters):
        return None, {}
    if operation.whole_body and not body:
        return None, {}
    if operation.form:
        pairs = {name: _text(value) for name, value in body.items()}
        return urlencode(pairs).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    content = body.get("body") if operation.whole_body else body
    return json.dumps(content, ensure_ascii=False).encode(), {"Content-Type": "application/json"}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)  # true, 4, null; what is nested as JSON
