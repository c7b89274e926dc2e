"""One line an event: for eyes in a terminal, JSON for machines, and no secret or caller's word in either."""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

import structlog
from pydantic import SecretStr
from structlog.types import EventDict, Processor

from callengine.config import Settings

HIDDEN = "***"
PERSONAL_PREFIX = "pii_"
NUMBER_FIELDS = frozenset({"number", "numbers", "phone", "caller", "caller_number", "caller_id", "called"})
# Names that a caller's words would have where somebody forgot the prefix: what is in them is never shown without it.
WORDS_FIELDS = frozenset(
    {
        "about",
        "arguments",
        "digits",
        "dtmf",
        "final",
        "history",
        "interim",
        "messages",
        "prompt",
        "prompts",
        "reply",
        "sentence",
        "speech",
        "summary",
        "text",
        "transcript",
        "transcripts",
        "turn",
        "turns",
        "utterance",
        "words",
    }
)
OUR_LOGGERS = ("callengine", "backends", "__main__")
# Telephone numbers wherever they stand (an SQL error quotes the row, for instance): in their international form, and as
# Russians write them, with 8 or 7 before ten digits. No part of a longer word: an id may have eleven digits in a row.
TELEPHONE = re.compile(r"\+\d{7,15}\b|(?<![\w.-])[78][ (-]{0,2}\d{3}[) -]{0,2}\d{3}[ -]?\d{2}[ -]?\d{2}(?![\w-])")


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (stderr), one line an event.

    Ours are shown from `LOG_LEVEL`; other libraries' from warning (from info at debug level). Calling again replaces.
    """
    target = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _shared_processors(settings.log_level == "debug", secrets_of(settings))
    handler = logging.StreamHandler(target)
    handler.set_name("callengine")
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                _renderer(settings, target),
            ],
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if other.get_name() != "callengine"] + [handler]
    root.setLevel(logging.INFO if level == logging.DEBUG else logging.WARNING)
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)
    route_to_stdlib()


def route_to_stdlib() -> None:
    """Make structlog's events records of the standard library, so that one handler sees everything."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def bound_call(call_id: str) -> AbstractContextManager[None]:
    """Every event inside carries the call's id, also those of tasks started there."""
    return structlog.contextvars.bound_contextvars(call_id=call_id)


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every secret the settings hold, and the passwords inside URLs, also as they are written there."""
    found: set[str] = set()
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found.update(_with_password(value.get_secret_value()))
    return frozenset(found - {""})


def _with_password(secret: str) -> Iterator[str]:
    yield secret
    if "://" in secret:
        password = urlsplit(secret).password or ""
        yield password
        yield unquote(password)


def _shared_processors(show_personal: bool, secrets: Iterable[str]) -> list[Processor]:
    return [
        structlog.stdlib.PositionalArgumentsFormatter(),
        # Tracebacks without local variables: those hold what callers said.
        structlog.processors.format_exc_info,
        personal_data(show_personal),
        hidden_secrets(secrets),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def personal_data(show: bool) -> Processor:
    """A processor that drops what callers say unless it is to be shown (`pii_*`, fields named like words), and masks
    telephone numbers always; in fields of fields too."""

    def is_kept(name: object) -> bool:
        return show or not (str(name).startswith(PERSONAL_PREFIX) or name in WORDS_FIELDS)

    def safe(name: object, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: safe(key, item) for key, item in value.items() if is_kept(key)}
        if isinstance(value, list | tuple | set | frozenset):
            return [safe(name, item) for item in value]
        return masked_number(str(value)) if name in NUMBER_FIELDS else value

    def process(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {name: safe(name, value) for name, value in event.items() if is_kept(name)}

    return process


def masked_number(number: str) -> str:
    """The last two digits of a telephone number, when it has more than two; nothing else of it, not its length."""
    digits = [char for char in number if char.isdigit()]
    return HIDDEN + "".join(digits[-2:]) if len(digits) > 2 else HIDDEN


def hidden_secrets(secrets: Iterable[str]) -> Processor:
    """A processor that makes every value plain text or JSON types, secrets and telephone numbers in it hidden."""
    longest_first = sorted(secrets, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(secret) for secret in longest_first)) if longest_first else None

    def text(value: str) -> str:
        hidden = pattern.sub(HIDDEN, value) if pattern else value
        return TELEPHONE.sub(lambda match: masked_number(match.group()), hidden)

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {text(str(key)): plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(item) for item in value]
        return text(str(value))

    def process(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {name: plain(value) for name, value in event.items()}

    return process


def _renderer(settings: Settings, stream: TextIO) -> Processor:
    is_terminal = stream.isatty()
    if (settings.log_format or ("console" if is_terminal else "json")) == "console":
        return structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: dict[str, Any], **_options: Any) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)
