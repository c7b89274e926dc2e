"""A conversation as a data file: what a caller does, and what must and must not come of it. Pure.

README.md tells the format. What is wrong with a file is told in one line: its name, the line, the place, the problem.
"""

import tomllib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from callengine.ports.journal import Outcome
from callengine.toml_lines import line_of

Text = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=120)]
DialogName = Literal["scripted", "claude"]


class ScriptError(ValueError):
    """A file that is no conversation. Its text is one line."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolExpected(_Part):
    """A tool that is to be called, with arguments. `fails`: the Store's answer is to be an error."""

    name: Text
    arguments: dict[str, Any] = {}
    fails: bool = False


class Turn(_Part):
    """One thing the caller does, and what must come of it before the next."""

    caller: str = ""
    keys: Annotated[str, Field(pattern=r"^[0-9A-D*#]*$")] = ""
    silence: Seconds | None = None
    after: Seconds | None = None
    cuts_off: bool = True
    tools: tuple[ToolExpected, ...] = ()
    not_tools: tuple[Text, ...] = ()
    facts: tuple[Text, ...] = ()
    says: tuple[Text, ...] = ()
    claude: str = ""

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Turn":
        if bool(self.caller) + bool(self.keys) + (self.silence is not None) != 1:
            raise ValueError("a turn is one of: caller (words), keys, silence (seconds)")
        if self.silence is not None and self.after is not None:
            raise ValueError("after: silence interrupts nobody")
        if not self.cuts_off and self.after is None:
            raise ValueError("cuts_off: there is nothing to cut off without `after`")
        return self

    @property
    def answered(self) -> bool:
        """A dialog backend is asked for an answer to it."""
        return self.silence is None and self.cuts_off and self.keys != "0"


class Ends(_Part):
    """How the call is to end, and who ends it."""

    outcome: Outcome
    by: Literal["agent", "caller"] = "agent"
    target: str = ""


class Conversation(_Part):
    """One conversation. `dialogs`: which agents can hold it; `judge`: what is asked of Claude's words afterwards."""

    about: Text
    language: Text
    ending: Ends
    number: str = ""
    store: Literal["well", "away"] = "well"
    dialogs: Annotated[tuple[DialogName, ...], Field(min_length=1)] = ("scripted", "claude")
    never: tuple[Text, ...] = ()
    judge: tuple[Text, ...] = ()
    turn: Annotated[tuple[Turn, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _begins_well(self) -> "Conversation":
        if self.turn[0].after is not None and not self.turn[0].cuts_off:
            raise ValueError("turn: the first one cannot be a murmur: there is no answer yet")
        return self


def parse(text: str, name: str) -> Conversation:
    """The conversation of a file's text. Raises ScriptError."""
    try:
        return Conversation.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ScriptError(f"{name} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ScriptError(_told(name, text, first["loc"], first["msg"])) from None


def _told(name: str, text: str, place: Sequence[str | int], problem: str) -> str:
    where = ".".join(str(step) for step in place)
    told = " ".join(problem.removeprefix("Value error, ").split())
    return f"{name}:{line_of(text, place)}: {where}{': ' if where else ''}{told}"
