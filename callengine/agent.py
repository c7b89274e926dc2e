"""The agent file (TOML): what the agent says of itself, its fixed phrases, and where it may transfer to."""

import re
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from callengine.agent_tools import StoreSource, ToolChoice, ToolName, no_built_in
from callengine.call.turn_words import whole_at_end
from callengine.errors import ConfigError
from callengine.hours import Hours
from callengine.ports.control import Destination, Place
from callengine.ports.synthesis import Prompt
from callengine.toml_lines import line_of

PACKAGED = {"ru": "ru.toml", "en": "en.toml"}
# What can be an extension of docker/asterisk's context for transfers.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{1,63}$")]
TRANSFER_CONTEXT = "callengine-transfer"


def _a_pattern(value: str) -> str:
    try:
        whole_at_end(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


WordsPattern = Annotated[str, AfterValidator(_a_pattern)]


class TransferTarget(BaseModel):
    """One target: what the dialplan calls it (its own name, if nothing else is said), and the place to which AMI moves
    the caller, as `context,exten,priority` (the word in docker/asterisk's own context, if nothing else is said).

    `description`: who it is, for the model; `announce`: whoever answers is told what the call is about before they hear
    the caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dialplan: Word | None = None
    redirect: Annotated[str, Field(pattern=r"^[^,\s]+,[^,\s]+,[1-9][0-9]*$")] | None = None
    description: str = ""
    announce: bool = False


class TransferTargets(BaseModel):
    """Where callers may be put through to, by name; `default` is taken when the dialog names none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    default: str = ""
    on_zero: str = ""  # where the key 0 leads, unless it belongs to a number
    on_failure: str = ""  # where a caller goes whose agent fails at an answer; else they hear the apology
    targets: dict[Word, TransferTarget] = {}

    @field_validator("targets", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """A list of names is a table of targets with nothing more to say."""
        return {name: {} for name in value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _named_targets_are_there(self) -> "TransferTargets":
        for field, name in (
            ("default", self.default),
            ("on_zero", self.on_zero),
            ("on_failure", self.on_failure),
        ):
            if name and name not in self.targets:
                raise ValueError(f"{field}: {name!r} is not among the targets")
        return self

    def destination(self, name: str) -> Destination:
        """Where a target's callers go."""
        target = self.targets[name]
        word = target.dialplan or name
        if target.redirect is None:
            return Destination(word, Place(TRANSFER_CONTEXT, word, 1))
        context, exten, priority = target.redirect.split(",")
        return Destination(word, Place(context, exten, int(priority)))


class AgentProfile(BaseModel):
    """One agent, as its file describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    language: str
    voice: str = ""
    greeting: str = Field(min_length=1)
    goodbye: str = Field(min_length=1)
    apology: str = Field(min_length=1)
    transferring: str = Field(min_length=1)
    too_long: str = Field(min_length=1)
    ending_soon: str = ""  # a minute before the longest call's end
    recording_notice: str = ""  # said first, and not interrupted, where calls are recorded
    back_again: str = ""  # the call goes on, on another connection; else the greeting, once more
    failing: str = ""  # said instead of `transferring` where the agent has failed
    closed: str = ""  # nobody is in whom a caller could be put through to
    will_call_back: str = ""  # follows it where a call back has been noted
    one_moment: str = ""
    say_again: str = ""  # the dialog has found no words; without it the first of no_input
    fillers: tuple[str, ...] = ()
    no_input: tuple[str, ...] = ()
    greeting_uninterruptible: bool = False  # what the law wants said is in it
    instructions: str = ""
    hints: tuple[str, ...] = ()
    complete: tuple[WordsPattern, ...] = ()  # what is whole at the end of an utterance, beside `call/words`
    transfer: TransferTargets = TransferTargets()
    hours: Hours | None = None  # outside of them nobody is put through, but by a person's order
    store: StoreSource = StoreSource()
    tools: Annotated[dict[ToolName, ToolChoice], AfterValidator(no_built_in)] = {}
    _file: Path = PrivateAttr(default=Path())

    @field_validator("fillers")
    @classmethod
    def _varied(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) == 1:
            raise ValueError("one filler alone would be said twice in a row: give two, or none")
        return value

    @field_validator("hours")
    @classmethod
    def _absence_has_words(cls, value: Hours | None, others: ValidationInfo) -> Hours | None:
        if value is not None and not (others.data.get("closed") and others.data.get("will_call_back")):
            raise ValueError("the phrases closed and will_call_back are needed: what is said outside of them")
        return value

    @property
    def document(self) -> str:
        """Where the Store's OpenAPI document is: a URL, the path of a file, or empty: at the Store itself."""
        where = self.store.document
        return where if not where or "://" in where else str(self._file.parent / where)

    def fault(self, place: Sequence[str | int], problem: str) -> ConfigError:
        """The error to raise for what is wrong at a place of this agent's file."""
        return ConfigError("AGENT_FILE", self.at(place, problem))

    def at(self, place: Sequence[str | int], problem: str) -> str:
        """What is to be said of a place of this agent's file, with its line: one line."""
        return _told(self._file, self._file.read_text(encoding="utf-8"), place, problem)

    def prompt(self, text: str, rate: float = 1.0) -> Prompt:
        """`text` in this agent's voice and language."""
        return Prompt(text, self.language, self.voice, rate)

    def absence(self, *, promised: bool) -> str:
        """What is said where nobody is in; `promised`: a call back has been noted."""
        return f"{self.closed} {self.will_call_back}" if promised else self.closed

    def fixed_prompts(self) -> tuple[Prompt, ...]:
        """Every phrase known before a call, for the voice's cache."""
        phrases = [self.greeting, self.goodbye, self.apology, self.transferring, self.too_long, self.one_moment]
        absent = [] if self.hours is None else [self.closed, self.absence(promised=True)]
        phrases += [self.recording_notice, self.back_again, self.failing, self.ending_soon, self.say_again, *absent]
        return tuple(self.prompt(text) for text in (*phrases, *self.no_input, *self.fillers) if text)


def load_agent(path: Path | None, language: str) -> AgentProfile:
    """The agent of a file, or the packaged one for a language. Raises ConfigError."""
    if path is None:
        path = packaged_agent(language)
    try:
        return _parse(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise ConfigError("AGENT_FILE", f"cannot read {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError("AGENT_FILE", f"{str(path)!r} is not UTF-8 text") from None


def packaged_agent(language: str) -> Path:
    """The file of the packaged agent for a language. Raises ConfigError."""
    name = PACKAGED.get(language.split("-")[0])
    if name is None:
        have = ", ".join(sorted(PACKAGED))
        raise ConfigError("CALL_LANGUAGE", f"no packaged agent for {language!r} (there are {have}); set AGENT_FILE")
    return Path(str(files("callengine.agents").joinpath(name)))


def _parse(text: str, path: Path) -> AgentProfile:
    try:
        agent = AgentProfile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("AGENT_FILE", f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError("AGENT_FILE", _told(path, text, first["loc"], first["msg"])) from None
    agent._file = path
    return agent


def _told(path: Path, text: str, place: Sequence[str | int], problem: str) -> str:
    where = ".".join(str(step) for step in place)
    told = " ".join(problem.removeprefix("Value error, ").split())
    return f"{path}:{line_of(text, place)}: {where}{': ' if where else ''}{told}"
