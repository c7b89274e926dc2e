"""Tools made from an agent file's choice and the Store's document: what a model sees, and what it then asks. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from callengine.agent_tools import ModelParameter, ToolChoice, Value
from callengine.call_values import filled, names_in
from callengine.errors import UnfitToolError
from callengine.ports.tools import CallerContext, ToolSpec
from callengine.services.openapi import Operation, Parameter, find_operation
from callengine.services.openapi_schemas import DocumentError
from callengine.services.store_requests import UnfitValueError, canonical

CONFIRM = "Before you call it, say back what will be done and wait for the caller's yes."
_CALLED = {"caller.number": "the caller's number", "caller.name": "the caller's name"}


@dataclass(frozen=True, slots=True)
class StoreTool:
    """One tool. `choice` is the agent file's, with its gaps filled by the operation; `keep` what is kept of an answer.

    `repeats`: a write may be sent again under its key. `look_up`: the name of the tool that shows what came of it."""

    spec: ToolSpec
    choice: ToolChoice
    operation: Operation
    keep: ParsedResult | None
    repeats: bool

    @property
    def look_up(self) -> str:
        """The tool to look with where nobody knows whether this one's write was done; may be empty."""
        return self.choice.look_up


def make_tools(document: Mapping[str, Any], choices: Mapping[str, ToolChoice]) -> tuple[StoreTool, ...]:
    """The tools of an agent file, in its order. Raises UnfitToolError, whose place is in that file."""
    tools = tuple(_make_tool(document, name, choice) for name, choice in choices.items())
    reading = {tool.spec.name for tool in tools if not tool.spec.writes}
    for tool in tools:
        if tool.look_up and tool.look_up not in reading:
            raise UnfitToolError(
                ("tools", tool.spec.name, "look_up"),
                f"{tool.look_up!r} is no tool that reads; there are {', '.join(sorted(reading)) or 'none'}",
            )
    return tools


def request_values(tool: StoreTool, arguments: Mapping[str, Any], caller: CallerContext) -> dict[str, Any]:
    """The operation's parameters from the model's valid arguments and the call. Raises UnfitValueError: what to ask."""
    values = {_target(name, choice): arguments[name] for name, choice in tool.choice.model.items() if name in arguments}
    by_engine = {
        **tool.choice.engine,
        **{
            _target(name, choice): choice.otherwise
            for name, choice in tool.choice.model.items()
            if choice.otherwise is not None and name not in arguments
        },
    }
    for parameter in tool.operation.parameters:
        if (value := by_engine.get(parameter.name)) is None:
            continue
        known = filled(value, caller) if isinstance(value, str) else value
        if known is not None and _problem(parameter, known) is None:
            values[parameter.name] = known
        elif parameter.required:
            raise UnfitValueError(_ask_for(tool, parameter, str(value)))
    return canonical(values)  # type: ignore[no-any-return]


def look_up_values(found: StoreTool, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """A write's values as those of the tool that looks it up: by the same names; None where one is missing."""
    parameters = found.operation.parameters
    own = {parameter.name: values[parameter.name] for parameter in parameters if parameter.name in values}
    return own if all(parameter.name in own for parameter in parameters if parameter.required) else None


def _make_tool(document: Mapping[str, Any], name: str, choice: ToolChoice) -> StoreTool:
    place = ("tools", name)
    try:
        operation = find_operation(document, choice.operation)
    except DocumentError as error:
        raise UnfitToolError((*place, "operation"), str(error)) from None
    parameters = {parameter.name: parameter for parameter in operation.parameters}
    for where, target, fixed in _uses(choice):
        if target not in parameters:
            has = ", ".join(parameters) or "none"
            raise UnfitToolError((*place, *where), f"{operation.name} has no parameter {target!r}; it has {has}")
        if fixed is not None and (problem := _fixed_problem(parameters[target], fixed)):
            raise UnfitToolError((*place, *where), problem)
    _all_are_filled(place, operation, choice)
    description = choice.description or operation.description
    if not description:
        raise UnfitToolError(place, f"{operation.name} has no description; say here what the tool is for")
    writes = not operation.safe if choice.writes is None else choice.writes
    told = f"{description.rstrip()} {CONFIRM}" if writes else description
    spec = ToolSpec(name, told, _parameters(choice, parameters), writes)
    repeats = operation.repeatable if choice.repeat is None else choice.repeat
    return StoreTool(spec, choice, operation, _keep(place, choice.keep), repeats)


def _uses(choice: ToolChoice) -> Iterator[tuple[tuple[str, ...], str, Value | None]]:
    """Where the agent file names a parameter of the operation, which, and the value it gives."""
    for name, parameter in choice.model.items():
        yield ("model", name), _target(name, parameter), parameter.otherwise
    for name, value in choice.engine.items():
        yield ("engine", name), name, value


def _all_are_filled(place: tuple[str, ...], operation: Operation, choice: ToolChoice) -> None:
    by_model = [_target(name, parameter) for name, parameter in choice.model.items()]
    both = [name for name in by_model if name in choice.engine or by_model.count(name) > 1]
    if both:
        raise UnfitToolError((*place, "model"), f"{both[0]!r} is filled twice; let the model or the engine do it")
    missing = [one.name for one in operation.parameters if one.required and one.name not in (*by_model, *choice.engine)]
    if missing:
        raise UnfitToolError(place, f"{operation.name} needs {missing[0]!r}; name it under `model` or `engine`")


def _parameters(choice: ToolChoice, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    properties, required = {}, []
    for name, said in choice.model.items():
        parameter = parameters[_target(name, said)]
        properties[name] = {**parameter.schema, **({"description": said.description} if said.description else {})}
        if said.required or (parameter.required and said.otherwise is None):
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _keep(place: tuple[str, ...], text: str) -> ParsedResult | None:
    try:
        return jmespath.compile(text) if text else None
    except JMESPathError as error:
        problem = " ".join(str(error).split())
        raise UnfitToolError((*place, "keep"), f"is no JMESPath: {problem}"[:300]) from None


def _target(name: str, said: ModelParameter) -> str:
    return said.parameter or name


def _fixed_problem(parameter: Parameter, value: Value) -> str | None:
    return None if isinstance(value, str) and names_in(value) else _problem(parameter, value)


def _problem(parameter: Parameter, value: Any) -> str | None:
    error = best_match(Draft202012Validator(dict(parameter.schema)).iter_errors(value))
    return error and f"{json.dumps(value, ensure_ascii=False)} does not fit {parameter.name!r}: {error.message}"[:300]


def _ask_for(tool: StoreTool, parameter: Parameter, value: str) -> str:
    """Why the engine has no value, and what to do: `value` is the agent file's, never a caller's."""
    names = names_in(value)
    missing = _CALLED.get(names[0], f"this call's {names[0]}") if names else value
    asks = [name for name, said in tool.choice.model.items() if _target(name, said) == parameter.name]
    return f"{missing} is hidden or cannot be used; " + (
        f"ask for it and give it as {asks[0]!r}" if asks else "this cannot be done in this call"
    )
