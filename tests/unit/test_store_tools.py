"""An agent file's choice upon the Store's document: what fits is a tool, what does not is told by line."""

from pathlib import Path
from typing import Any

import pytest

from callengine.agent import load_agent
from callengine.errors import ConfigError
from callengine.ports.tools import CallerContext
from callengine.services.store_requests import UnfitValueError
from callengine.services.store_tools import CONFIRM, StoreTool, request_values
from tests.agent_files import PHRASES, tools_of

CALLER = CallerContext("call-1", "en-GB", number="+79990001042", fields={"vip": "yes"})
PARAMETERS = [
    {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "description": "Its id",
    },
    {"name": "phone", "in": "query", "schema": {"type": "string", "pattern": "^[+0-9]+$"}},
    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
]
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/things/{id}": {
            "get": {"operationId": "getThing", "description": "A thing.", "parameters": PARAMETERS},
            "post": {"operationId": "changeThing", "parameters": PARAMETERS},
        }
    },
}


async def the_tool(folder: Path, text: str) -> StoreTool:
    (tool,) = await tools_of(folder, DOCUMENT, f'[tools.thing]\noperation = "getThing"\n{text}')
    return tool


async def test_a_model_sees_what_it_fills_and_nothing_else(tmp_path: Path) -> None:
    tool = await the_tool(
        tmp_path,
        'model.number = { parameter = "id", description = "The number" }\n'
        'engine = { phone = "{caller.number}", limit = 3 }',
    )
    assert tool.spec.description == "A thing."
    assert not tool.spec.writes
    assert tool.spec.parameters == {
        "type": "object",
        "properties": {"number": {"type": "integer", "minimum": 1, "description": "The number"}},
        "required": ["number"],
        "additionalProperties": False,
    }
    assert request_values(tool, {"number": 7}, CALLER) == {"id": 7, "phone": "+79990001042", "limit": 3}


async def test_a_writing_tool_is_to_be_confirmed_aloud(tmp_path: Path) -> None:
    text = 'operation = "changeThing"\ndescription = "Change it."\nmodel = ["id"]\n'
    (tool,) = await tools_of(tmp_path, DOCUMENT, f"[tools.change]\n{text}")
    assert (tool.spec.writes, tool.repeats) == (True, False)
    assert tool.spec.description == f"Change it. {CONFIRM}"
    (search,) = await tools_of(tmp_path, DOCUMENT, f"[tools.search]\n{text}writes = false\nrepeat = true\n")
    assert (search.spec.writes, search.repeats, search.spec.description) == (False, True, "Change it.")


@pytest.mark.parametrize(
    ("number", "arguments", "phone"),
    [
        ("+79990001042", {"id": 1}, "+79990001042"),
        ("+79990001042", {"id": 1, "phone": "+70000000000"}, "+70000000000"),
        ("", {"id": 1}, None),
        ("anonymous", {"id": 1}, None),  # is no number by the document
    ],
)
async def test_the_engine_fills_what_the_model_leaves_out(
    tmp_path: Path, number: str, arguments: dict[str, Any], phone: str | None
) -> None:
    tool = await the_tool(tmp_path, 'model = { id = {}, phone = { otherwise = "{caller.number}" } }')
    values = request_values(tool, arguments, CallerContext("c", "en", number=number))
    assert values == {"id": 1, **({"phone": phone} if phone else {})}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'model = { id = { otherwise = "{field.id}" } }',
            "this call's field.id is hidden or cannot be used; ask for it",
        ),
        ('engine = { id = "{caller.number}" }', "the caller's number is hidden or cannot be used; this cannot be done"),
    ],
)
async def test_what_is_needed_and_not_known_is_asked_for(tmp_path: Path, text: str, problem: str) -> None:
    tool = await the_tool(tmp_path, text)
    with pytest.raises(UnfitValueError, match=problem):
        request_values(tool, {}, CALLER)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('operation = "getThings"', 9, "tools.thing.operation: the Store's document has no operation 'getThings'"),
        ('operation = "getThing"', 8, "tools.thing: getThing needs 'id'; name it under `model` or `engine`"),
        (
            'operation = "getThing"\nmodel = ["id", "colour"]',
            10,
            "model.colour: getThing has no parameter 'colour'; it has id",
        ),
        ('operation = "getThing"\nmodel = ["id"]\n[tools.thing.engine]\n\nlimt = 3', 13, "no parameter 'limt'"),
        ('operation = "getThing"\nmodel = ["id"]\nengine = { id = 1 }', 10, "'id' is filled twice"),
        ('operation = "getThing"\nengine = { id = "x" }', 10, "\"x\" does not fit 'id': 'x' is not of type"),
        ('operation = "getThing"\nmodel = { id = { otherwise = 0 } }', 10, "0 does not fit 'id': 0 is less than"),
        ('operation = "getThing"\nmodel = { id = { otherwise = "{caler}" } }', 8, "no call has a value {caler}"),
        ('operation = "getThing"\nmodel = ["id"]\nkeep = "{a: "', 11, "tools.thing.keep: is no JMESPath"),
        ('operation = "getThing"\nmodel = ["id"]\nlook_up = "other"', 11, "'other' is no tool that reads"),
        ('operation = "changeThing"\nmodel = ["id"]', 8, "changeThing has no description; say here what"),
        ('operation = "getThing"\nmodel = ["id"]\nkeeps = "a"', 11, "tools.thing.keeps: Extra inputs"),
        ('model = ["id"]', 8, "tools.thing.operation: Field required"),
    ],
)
async def test_what_does_not_fit_is_told_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    assert len(PHRASES.splitlines()) == 6
    with pytest.raises(ConfigError) as caught:
        await tools_of(tmp_path, DOCUMENT, f"[tools.thing]\n{text}\n")
    said = str(caught.value)
    assert said.startswith(f"AGENT_FILE: {tmp_path / 'agent.toml'}:{line}: ")
    assert problem in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "name", ["end_call", "transfer_to_person", "request_call_back", "repeat_slower", "with space", "ü"]
)
async def test_names_that_no_tool_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"agent\.toml:8: tools"):
        await tools_of(tmp_path, DOCUMENT, f'[tools."{name}"]\noperation = "getThing"\nmodel = ["id"]\n')


async def test_a_document_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent\.toml:7: store\.document: OpenAPI 3\.0 or 3\.1 is needed"):
        await tools_of(tmp_path, {"swagger": "2.0"}, '[tools.a]\noperation = "b"\n')
    agent = load_agent(tmp_path / "agent.toml", "en")
    assert agent.document == str(tmp_path / "store.json")
