"""One operation of an OpenAPI document: what it is asked with and what kind of body it takes. Pure.

OpenAPI 3.0 and 3.1 (https://spec.openapis.org/oas/v3.1.1). Paths are under STORE_API_URL, which stands for the
document's `servers`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jsonschema import Draft202012Validator, SchemaError

from callengine.services.openapi_schemas import DocumentError, References

Place = Literal["path", "query", "header", "body"]
IDEMPOTENCY_KEY = "Idempotency-Key"
METHODS = ("get", "head", "post", "put", "patch", "delete")
# RFC 9110, 9.2.1 and 9.2.2.
SAFE = ("GET", "HEAD")
REPEATABLE = ("PUT", "DELETE")
_NOT_OURS = ("accept", "content-type", "authorization")  # OpenAPI: "shall be ignored"
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing an operation is asked with. `body`: a property of its JSON object. `style`, `explode`: OpenAPI's."""

    name: str
    place: Place
    schema: Mapping[str, Any]
    required: bool = False
    style: str = ""
    explode: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as it is asked. `form`: the body is a form, not JSON; `whole_body`: it is no object, and the
    parameter `body` is all of it; `takes_key`: it has the header `Idempotency-Key`."""

    name: str
    method: str
    path: str
    description: str
    parameters: tuple[Parameter, ...]
    form: bool = False
    whole_body: bool = False
    takes_key: bool = False

    @property
    def safe(self) -> bool:
        """It changes nothing, by its method."""
        return self.method in SAFE

    @property
    def repeatable(self) -> bool:
        """Sent twice it does what it does once, by its method or because it takes a key."""
        return self.takes_key or self.method in (*SAFE, *REPEATABLE)


def find_operation(document: Mapping[str, Any], name: str) -> Operation:
    """The operation with an `operationId`, or written as `GET /path`. Raises DocumentError."""
    known: list[str] = []
    for method, path, item, operation in _operations(document):
        own = str(operation.get("operationId") or f"{method.upper()} {path}")
        if name in (own, f"{method.upper()} {path}"):
            return _read(References(document), own, (method.upper(), path), (item, operation))
        known.append(own)
    there = ", ".join(known[:_SHOWN]) + (f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
    raise DocumentError(f"the Store's document has no operation {name!r}; it has {there or 'none'}")


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    references = References(document)
    paths = document.get("paths")
    for path, written in (paths if isinstance(paths, Mapping) else {}).items():
        item = references.target(written)
        for method in METHODS:
            if isinstance(item, Mapping) and isinstance(operation := item.get(method), Mapping):
                yield method, str(path), item, operation


def _read(
    references: References, name: str, asked: tuple[str, str], levels: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Operation:
    """`levels`: the path's part of the document and the operation's, whose parameters stand before the path's."""
    path_item, operation = levels
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for written in (*path_item.get("parameters", ()), *operation.get("parameters", ())):
        parameter = references.target(written)
        found[str(parameter.get("name")), str(parameter.get("in"))] = parameter
    takes_key = any(where == "header" and header.lower() == IDEMPOTENCY_KEY.lower() for header, where in found)
    parameters = [_parameter(references, parameter) for parameter in found.values() if _is_asked(parameter)]
    body, form, whole = _body(references, operation.get("requestBody"))
    taken = {parameter.name for parameter in parameters}
    parameters += [part if part.name not in taken else _renamed(part) for part in body]
    description = str(operation.get("description") or operation.get("summary") or "")
    method, path = asked
    return Operation(name, method, path, description, tuple(parameters), form, whole, takes_key)


def _is_asked(parameter: Mapping[str, Any]) -> bool:
    name, where = str(parameter.get("name")).lower(), parameter.get("in")
    if where == "cookie" and parameter.get("required"):
        raise DocumentError(f"the parameter {name!r} is a cookie, which no tool can give")
    return where in ("path", "query") or (where == "header" and name not in (*_NOT_OURS, IDEMPOTENCY_KEY.lower()))


def _parameter(references: References, written: Mapping[str, Any]) -> Parameter:
    place: Place = written["in"]
    content = written.get("content")
    holder = next(iter(content.values()), {}) if isinstance(content, Mapping) else written
    schema = _checked(references.written_out(holder.get("schema", {})), str(written["name"]))
    if "description" in written:
        schema["description"] = written["description"]
    style = "json" if content else str(written.get("style") or ("form" if place == "query" else "simple"))
    required = written.get("required") is True or place == "path"
    return Parameter(written["name"], place, schema, required, style, written.get("explode", style == "form") is True)


def _body(references: References, written: Any) -> tuple[list[Parameter], bool, bool]:
    """The parameters of a request's body; whether it is a form; whether it is one thing that is no object."""
    if written is None:
        return [], False, False
    body = references.target(written)
    content = body.get("content", {})
    kind = next((kind for kind in content if _is_json(kind)), None)
    form = kind is None and "application/x-www-form-urlencoded" in content
    if kind is None and not form:
        raise DocumentError(f"its body is {' or '.join(content) or 'of no kind'}; a tool can send JSON or a form")
    schema = references.written_out(content[kind or "application/x-www-form-urlencoded"].get("schema", {}))
    must = body.get("required") is True
    properties = _merged(schema)
    if not properties:
        whole = Parameter("body", "body", _checked(schema, "body"), must)
        return [whole], form, True
    required = _required(schema) if must else ()
    parameters = [
        Parameter(name, "body", _checked(part, name), name in required)
        for name, part in properties.items()
        if not (isinstance(part, Mapping) and part.get("readOnly"))
    ]
    return parameters, form, False


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object, also of one that is put together with allOf."""
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= _merged(part)
    return found


def _required(schema: Mapping[str, Any]) -> tuple[str, ...]:
    inner = (name for part in schema.get("allOf", ()) for name in _required(part))
    return (*schema.get("required", ()), *inner)


def _renamed(part: Parameter) -> Parameter:
    return Parameter(f"body.{part.name}", "body", part.schema, part.required)


def _is_json(kind: str) -> bool:
    plain = kind.partition(";")[0].strip().lower()
    return plain == "application/json" or plain.endswith("+json")


def _checked(schema: dict[str, Any], name: str) -> dict[str, Any]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise DocumentError(f"the schema of {name!r} is no JSON Schema: {error.message}"[:300]) from None
    return dict(schema)
