"""The Store's answers: whether one is an answer at all, and what of it a voice can use. Pure."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

NOT_THE_API = "the store's system answered something that is not its API"
UNREACHABLE = "the store's system cannot be reached"
TOO_LATE = "the store's system did not answer in time"
DONE = {"done": True}  # what is told of a success without a word
TOO_LONG = "the store's answer is too long to be used; ask for something narrower"
_LONGEST_DETAIL = 300
_LONGEST_TEXT = 400  # of one text in an answer: half a minute of speech
_MOST_ITEMS = 10  # of a list; nobody remembers more than three on the phone
_LONGEST_RESULT = 8000  # characters of a result: what is more costs every later turn of the call
# Refusals that a write which was sent before may get on its own account: it is still being done, or was done.
_IN_DOUBT = (HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
# What became of a request that brought nothing: it was not sent; it was refused; it was refused, perhaps because it
# was done before; nobody knows.
Fate = Literal["unsent", "refused", "in_doubt", "unknown"]


class StoreFaultError(Exception):
    """The Store gave no usable answer; the text is for the dialog, one line, and repeats no answer of a wrong kind."""

    def __init__(self, problem: str, fate: Fate) -> None:
        super().__init__(problem)
        self.fate: Fate = fate


def decode(status: int, body: bytes) -> Any:
    """What the Store answered, as decoded JSON. Raises StoreFaultError."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, or nested beyond all reason
        answer = None
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        if answer is not None:
            return answer
        if status == HTTPStatus.NO_CONTENT or (status != HTTPStatus.OK and not body):
            return DONE
        raise StoreFaultError(NOT_THE_API, "unknown")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise StoreFaultError("the store's system refuses us", "refused")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise StoreFaultError(f"the store's system has a fault of its own (status {status})", "unknown")
    if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.REQUEST_TIMEOUT:
        raise StoreFaultError(NOT_THE_API, "unknown")
    raise StoreFaultError(_refusal(status, answer), "in_doubt" if status in _IN_DOUBT else "refused")


def trimmed(answer: Any, keep: ParsedResult | None) -> Any:
    """What a voice can use of an answer: what `keep` takes of it, long lists and texts cut. Raises StoreFaultError."""
    if keep is not None and answer is not DONE:
        try:
            answer = keep.search(answer)
        except JMESPathError:  # a function upon what it is not made for
            raise StoreFaultError(NOT_THE_API, "unknown") from None
        if answer is None or (isinstance(answer, dict) and not any(value is not None for value in answer.values())):
            raise StoreFaultError(NOT_THE_API, "unknown")
    return _short(answer)


def as_text(content: Any) -> str:
    """A result's JSON text. Raises StoreFaultError where there is too much of it."""
    # A lone surrogate of a foreign answer would break whoever writes the result down.
    text = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace").decode()
    if len(text) > _LONGEST_RESULT:
        raise StoreFaultError(TOO_LONG, "unknown")
    return text


def _refusal(status: int, answer: Any) -> str:
    for name in ("detail", "message", "error", "title"):  # RFC 9457's, and what others have instead
        if isinstance(answer, Mapping) and isinstance(said := answer.get(name), str) and said.strip():
            return " ".join(said.split())[:_LONGEST_DETAIL]
    if status == HTTPStatus.NOT_FOUND:
        return "the store's system does not know it"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "the store's system is too busy just now"
    return NOT_THE_API


def _short(value: Any) -> Any:
    match value:
        case str() if len(value) > _LONGEST_TEXT:
            return value[:_LONGEST_TEXT] + "…"
        case dict():
            return {name: _short(item) for name, item in value.items()}
        case list() if len(value) > _MOST_ITEMS:
            return [*map(_short, value[:_MOST_ITEMS]), f"… and {len(value) - _MOST_ITEMS} more"]
        case list():
            return [_short(item) for item in value]
        case _:
            return value
