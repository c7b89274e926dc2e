"""What an agent file says of the Store: which of its operations are tools, and who fills which parameter."""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from callengine.call_values import unknown_names
from callengine.ports.reasoning import BUILT_IN

# What the Messages API takes for a name.
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Value = StrictStr | StrictBool | StrictInt | StrictFloat | list[StrictStr | StrictInt | StrictFloat]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelParameter(_Part):
    """A parameter that the model fills. `parameter`: its name in the Store's document, where the model knows it by
    another; `otherwise`: what the engine takes where the model leaves it out; `required`: the model must not."""

    parameter: str = ""
    description: str = ""
    otherwise: Value | None = None
    required: bool = False


class StoreSource(_Part):
    """Where the Store's OpenAPI document is: a URL, or a file beside the agent file. Empty: at the Store itself."""

    document: str = ""


class ToolChoice(_Part):
    """One tool: an operation of the Store (its `operationId`, or `GET /path`) as the model may use it.

    `model` and `engine`: who fills which parameter. `keep`: a JMESPath of what is kept of the answer. `writes`, where
    the method does not say it. `repeat`: the Store does it once however often it is sent with the same Idempotency-Key.
    `look_up`: the tool that shows whether a write was done whose answer was lost. `title`: what people call it, where a
    person is told what was looked up."""

    operation: str = Field(min_length=1)
    description: str = ""
    model: dict[ToolName, ModelParameter] = {}
    engine: dict[str, Value] = {}
    keep: str = ""
    writes: bool | None = None
    repeat: bool | None = None
    look_up: str = ""
    title: str = ""

    @field_validator("model", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """A list of names is a table of parameters with nothing more to say."""
        return {name: {} for name in value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _values_are_known(self) -> Self:
        given = (*self.engine.values(), *(parameter.otherwise for parameter in self.model.values()))
        if unknown := [name for text in given if isinstance(text, str) for name in unknown_names(text)]:
            raise ValueError(f"no call has a value {{{unknown[0]}}}; there are caller.number, caller.name and others")
        return self


def no_built_in(tools: dict[str, ToolChoice]) -> dict[str, ToolChoice]:
    """The tools, of which none has the name of a tool that every call has. Raises ValueError."""
    for spec in BUILT_IN:
        if (name := spec.name) in tools:
            raise ValueError(f"{name} is a tool that every call has; choose another name")
    return tools
