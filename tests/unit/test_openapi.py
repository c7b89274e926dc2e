"""Operations read from foreign documents: OpenAPI 3.0 and 3.1, references, bodies, and what no tool can be made of."""

from typing import Any

import pytest

from callengine.services.openapi import Operation, find_operation
from callengine.services.openapi_document import read_document
from callengine.services.openapi_schemas import DocumentError, References
from callengine.services.store_requests import StoreRequest, UnfitValueError, build_request

DOCUMENT = """
openapi: 3.0.3
info: {title: Another shop, version: '2'}
paths:
  /things/{thing}:
    parameters:
      - {name: thing, in: path, required: true, schema: {type: string}}
      - {name: shared, in: query, description: of the path, schema: {type: string}}
    get:
      operationId: getThing
      summary: A thing
      parameters:
        - {name: shared, in: query, description: of the operation, schema: {type: string}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: codes, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: piped, in: query, style: pipeDelimited, schema: {type: array, items: {type: integer}}}
        - {name: filter, in: query, style: deepObject, schema: {type: object}}
        - {name: exact, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: X-Shop, in: header, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string}}
        - {$ref: '#/components/parameters/Page'}
    delete: {summary: Away with it}
  /forms:
    post:
      operationId: sendForm
      description: A form.
      requestBody:
        content: {application/x-www-form-urlencoded: {schema: {type: object, properties: {name: {type: string}}}}}
  /lists:
    put:
      operationId: putList
      description: A list.
      requestBody: {required: true, content: {application/vnd.shop+json: {schema: {type: array}}}}
  /orders:
    post:
      operationId: order
      description: An order.
      parameters:
        - {name: idempotency-key, in: header, schema: {type: string}}
        - {name: note, in: query, schema: {type: string}}
      requestBody: {$ref: '#/components/requestBodies/Order'}
  /files:
    post:
      operationId: upload
      description: A file.
      requestBody: {content: {multipart/form-data: {schema: {type: object}}}}
  /cookies:
    get:
      operationId: eatCookie
      description: A cookie.
      parameters: [{name: session, in: cookie, required: true, schema: {type: string}}]
  /away:
    get:
      operationId: away
      description: Elsewhere.
      parameters: [{name: a, in: query, schema: {$ref: 'https://example.com/a.json#/A'}}]
  /odd:
    get:
      operationId: odd
      description: Not a schema.
      parameters: [{name: a, in: query, schema: {type: nonsense}}]
components:
  parameters:
    Page: {name: page, in: query, schema: {type: integer, minimum: 0, exclusiveMinimum: true, nullable: true, example: 3}}
  requestBodies:
    Order:
      required: true
      content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
  schemas:
    Base: {type: object, required: [phone], properties: {phone: {type: string, pattern: '(?<bad'}, id: {type: string, readOnly: true}}}
    Order:
      allOf:
        - {$ref: '#/components/schemas/Base'}
        - {type: object, required: [lines], properties: {lines: {type: array, items: {$ref: '#/components/schemas/Line'}}, note: {type: string}}}
    Line: {type: object, title: A line, properties: {title: {type: string, x-note: 1}, parts: {type: array, items: {$ref: '#/components/schemas/Line'}}}}
    Loop: {$ref: '#/components/schemas/Loop'}
"""


@pytest.fixture(scope="module")
def document() -> Any:
    return read_document(DOCUMENT)


def schemas(operation: Operation) -> dict[str, Any]:
    return {parameter.name: parameter.schema for parameter in operation.parameters}


def test_parameters_of_the_operation_stand_before_those_of_its_path(document: Any) -> None:
    operation = find_operation(document, "getThing")
    assert (operation.method, operation.path, operation.description) == ("GET", "/things/{thing}", "A thing")
    assert schemas(operation)["shared"]["description"] == "of the operation"
    assert "Authorization" not in schemas(operation)
    assert [parameter.name for parameter in operation.parameters if parameter.required] == ["thing"]


def test_what_openapi_3_0_says_in_words_of_its_own_becomes_json_schema(document: Any) -> None:
    assert schemas(find_operation(document, "getThing"))["page"] == {
        "anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]
    }


def test_an_operation_may_be_named_by_its_method_and_path(document: Any) -> None:
    operation = find_operation(document, "DELETE /things/{thing}")
    assert (operation.name, operation.repeatable, operation.safe) == ("DELETE /things/{thing}", True, False)


def test_a_body_is_its_properties(document: Any) -> None:
    operation = find_operation(document, "order")
    assert operation.takes_key
    assert operation.repeatable
    required = {parameter.name: parameter.required for parameter in operation.parameters}
    # What is read only is not asked; a name that a query parameter has already is told apart.
    assert required == {"note": False, "phone": True, "lines": True, "body.note": False}
    assert "pattern" not in schemas(operation)["phone"]


def test_a_schema_that_holds_itself_is_written_once(document: Any) -> None:
    line = schemas(find_operation(document, "order"))["lines"]["items"]
    assert line == {
        "type": "object",
        "properties": {"title": {"type": "string"}, "parts": {"type": "array", "items": {}}},
    }


@pytest.mark.parametrize(
    ("name", "values", "request_"),
    [
        (
            "getThing",
            {"thing": "a/b?", "shared": "ü&", "tags": ["x", "y"], "codes": [1, 2.0], "piped": [3, 4]},
            StoreRequest(
                "GET",
                "/things/a%2Fb%3F",
                (("shared", "ü&"), ("tags", "x"), ("tags", "y"), ("codes", "1,2"), ("piped", "3|4")),
            ),
        ),
        (
            "getThing",
            {"thing": "1", "filter": {"size": 4, "hot": True}, "exact": {"a": [1]}, "X-Shop": "north", "page": None},
            StoreRequest(
                "GET",
                "/things/1",
                (("filter[hot]", "true"), ("filter[size]", "4"), ("exact", '{"a": [1]}'), ("page", "null")),
                {"X-Shop": "north"},
            ),
        ),
        (
            "sendForm",
            {"name": "Ann & Co"},
            StoreRequest(
                "POST", "/forms", (), {"Content-Type": "application/x-www-form-urlencoded"}, b"name=Ann+%26+Co"
            ),
        ),
        ("putList", {"body": [1]}, StoreRequest("PUT", "/lists", (), {"Content-Type": "application/json"}, b"[1]")),
        (
            "order",
            {"phone": "1", "lines": [], "note": "q", "body.note": "b"},
            StoreRequest(
                "POST",
                "/orders",
                (("note", "q"),),
                {"Content-Type": "application/json"},
                b'{"phone": "1", "lines": [], "note": "b"}',
            ),
        ),
    ],
)
def test_a_request_is_written_as_the_document_says(
    document: Any, name: str, values: dict[str, Any], request_: StoreRequest
) -> None:
    assert build_request(find_operation(document, name), values) == request_


@pytest.mark.parametrize("values", [{"thing": ".."}, {"thing": ""}, {"thing": "1", "X-Shop": "a\r\nb"}])
def test_what_would_be_another_request_is_refused(document: Any, values: dict[str, Any]) -> None:
    with pytest.raises(UnfitValueError):
        build_request(find_operation(document, "getThing"), values)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("getThings", "no operation 'getThings'; it has getThing, DELETE /things/{thing}, sendForm, .* and 1 more"),
        ("upload", "its body is multipart/form-data; a tool can send JSON or a form"),
        ("eatCookie", "'session' is a cookie"),
        ("away", r"https://example\.com/a\.json#/A leads nowhere"),
        ("odd", "schema of 'a' is no JSON Schema: 'nonsense'"),
    ],
)
def test_what_no_tool_can_be_made_of_is_told(document: Any, name: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        find_operation(document, name)


def test_a_reference_to_itself_is_told(document: Any) -> None:
    with pytest.raises(DocumentError, match="refers to itself"):
        References(document).target({"$ref": "#/components/schemas/Loop"})


def test_a_schema_that_grows_beyond_all_reason_is_told() -> None:
    schemas: dict[str, Any] = {"S0": {"type": "string"}}
    for at in range(1, 20):
        link = {"$ref": f"#/components/schemas/S{at - 1}"}
        schemas[f"S{at}"] = {"properties": {"a": link, "b": link}}
    with pytest.raises(DocumentError, match="over 2000 parts"):
        References({"components": {"schemas": schemas}}).written_out({"$ref": "#/components/schemas/S19"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "neither JSON nor YAML"),
        ("a: b: c", "neither JSON nor YAML"),
        ("[]", "no OpenAPI document"),
        ("", "no OpenAPI document"),
        ("swagger: '2.0'", "this is Swagger 2.0; convert it"),
        ("openapi: 4.0.0", "this is openapi '4.0.0'"),
        ('{"paths": {}}', "this is openapi ''"),
        ("!!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
    ],
)
def test_what_is_no_document_is_told_in_a_line(text: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem) as caught:
        read_document(text)
    assert "\n" not in str(caught.value)
