"""Logs: one line an event, and neither a secret nor a caller's number or word in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callengine.config import load_settings
from callengine.logs import (
    HIDDEN,
    OUR_LOGGERS,
    WORDS_FIELDS,
    bound_call,
    configure_logging,
    hidden_secrets,
    masked_number,
    personal_data,
    secrets_of,
)
from tests.conftest import ExpectErrorLog

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    names = ["", *OUR_LOGGERS]
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers = [handler for handler in root.handlers if handler.get_name() != "callengine"]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(stream: io.StringIO, **environ: str) -> structlog.stdlib.BoundLogger:
    configure_logging(load_settings(environ), stream)
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("callengine.test")
    return logger


@given(st.text(min_size=1).filter(lambda secret: HIDDEN not in secret and secret not in HIDDEN), values, st.text())
def test_a_known_secret_is_in_no_value(secret: str, value: object, around: str) -> None:
    event = {"event": around + secret, "value": value, "deep": [{"k": (secret, around)}], "other": ValueError(secret)}
    hidden = hidden_secrets([secret])(None, "info", event)
    assert not [text for text in _texts(hidden) if secret in text]
    json.dumps(hidden)


def _texts(value: object) -> Iterator[str]:
    """Every string of a value's contents, one at a time: two of them together could make a secret that neither is."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


@given(st.text())
def test_a_masked_number_shows_at_most_two_digits(number: str) -> None:
    masked = masked_number(number)
    assert masked.startswith(HIDDEN)
    assert len(masked) in (3, 5)
    assert sum(char.isdigit() for char in number) > 2 or masked == HIDDEN


def test_a_masked_number_keeps_its_last_two_digits() -> None:
    assert masked_number("+7 912 345-67-89") == "***89"
    assert masked_number("sip:anonymous@example.org") == HIDDEN
    assert masked_number("12") == HIDDEN


@given(st.dictionaries(st.from_regex(r"(pii_)?[a-z]{1,8}", fullmatch=True), st.text()))
def test_personal_fields_are_dropped_and_others_kept(event: dict[str, str]) -> None:
    hidden = personal_data(False)(None, "info", dict(event))
    assert set(hidden) == {name for name in event if not name.startswith("pii_") and name not in WORDS_FIELDS}
    assert set(personal_data(True)(None, "info", dict(event))) == set(event)


def test_an_event_is_one_json_line_without_personal_data() -> None:
    stream = io.StringIO()
    log = configured(stream)
    with bound_call("1b9d"):
        log.info(
            "turn", pii_text="мне нужны шины", caller="+79123456789", stage="dialog", error=KeyError("+79123456789")
        )
    [event] = logged(stream)
    assert event.pop("timestamp")
    assert event == {
        "event": "turn",
        "level": "info",
        "call_id": "1b9d",
        "caller": "***89",
        "stage": "dialog",
        "error": "'***89'",
    }


@pytest.mark.parametrize("name", sorted(WORDS_FIELDS))
def test_words_that_somebody_forgot_to_mark_are_not_shown_but_at_debug(name: str) -> None:
    for level, shown in (("info", False), ("debug", True)):
        stream = io.StringIO()
        log = configured(stream, LOG_LEVEL=level)
        log.warning("odd", **{name: "мне нужны шины"}, deep=[{name: "зимние шины", "stage": "dialog"}])
        text = stream.getvalue()
        assert ("мне нужны шины" in text, "зимние шины" in text) == (shown, shown)
        assert '"stage": "dialog"' in text


@pytest.mark.parametrize(
    "number",
    ["+79123456789", "89123456789", "79123456789", "8 912 345-67-89", "8(912)345-67-89", "8-912-345-67-89"],
)
def test_a_number_is_masked_wherever_it_stands(number: str) -> None:
    stream = io.StringIO()
    configured(stream, LOG_LEVEL="debug").info(
        f"called {number}.", problem=f"Key (number)=({number}) exists", deep={"caller": number, "list": [number]}
    )
    [event] = logged(stream)
    assert event["event"] == "called ***89."
    assert event["problem"] == "Key (number)=(***89) exists"
    assert event["deep"] == {"caller": "***89", "list": ["***89"]}


@pytest.mark.parametrize(
    "text",
    [
        "6ba7b810-9dad-41d1-80b4-79123456789a",
        "1795404900646-1",
        "127.0.0.1:40000",
        "2026-03-01T09:00:00Z",
        "0.79123456789",
    ],
)
def test_what_is_no_number_is_left_as_it_is(text: str) -> None:
    stream = io.StringIO()
    configured(stream).info("odd", what=text)
    assert logged(stream)[0]["what"] == text


def test_debug_level_shows_what_was_said_but_no_number() -> None:
    stream = io.StringIO()
    configured(stream, LOG_LEVEL="debug").debug("turn", pii_text="мне нужны шины", number="8 800 555 35 35")
    assert '"pii_text": "мне нужны шины"' in stream.getvalue()
    assert logged(stream)[0]["number"] == "***35"


def test_secrets_of_the_settings_and_of_their_urls_are_hidden_everywhere(expect_error_log: ExpectErrorLog) -> None:
    stream = io.StringIO()
    log = configured(stream, API_TOKEN="s3cr3t-token", DATABASE_URL="postgresql://shop:p%40ss@db/calls")
    with expect_error_log("boom"):
        try:
            raise ValueError("refused s3cr3t-token for p@ss")
        except ValueError:
            log.exception(
                "boom", url="postgresql://shop:p%40ss@db/calls", header={"authorization": b"Bearer s3cr3t-token"}
            )
    logging.getLogger("hypercorn.error").warning("theirs: %s", "s3cr3t-token")
    text = stream.getvalue()
    assert "refused *** for ***" in text
    assert "s3cr3t" not in text
    assert "p@ss" not in text
    assert "p%40ss" not in text


def test_secrets_are_found_in_the_settings() -> None:
    settings = load_settings({"API_TOKEN": "one", "REDIS_URL": "redis://:two@h/0", "STORE_API_URL": "http://shop"})
    assert secrets_of(settings) == {"one", "redis://:two@h/0", "two"}


def test_a_terminal_gets_a_coloured_line_and_a_pipe_does_not() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    configured(terminal).info("call is up", node="a")
    configured(pipe, LOG_FORMAT="console").info("call is up", node="a")
    assert "\x1b[" in terminal.getvalue()
    assert "\x1b[" not in pipe.getvalue()
    assert "call is up" in pipe.getvalue()
    assert pipe.getvalue().count("\n") == 1


def test_json_can_be_had_in_a_terminal() -> None:
    terminal = Terminal()
    configured(terminal, LOG_FORMAT="json").info("call is up")
    assert logged(terminal)[0]["event"] == "call is up"


def test_other_libraries_come_the_same_way_from_warning_on() -> None:
    stream = io.StringIO()
    configured(stream)
    logging.getLogger("httpx").info("HTTP Request: GET https://shop/orders?phone=89123456789")
    logging.getLogger("yoyo.migrations").warning("slow %s", "migration")
    [event] = logged(stream)
    assert (event["event"], event["level"], event["logger"]) == ("slow migration", "warning", "yoyo.migrations")


def test_ours_are_shown_from_log_level() -> None:
    stream = io.StringIO()
    log = configured(stream, LOG_LEVEL="warning")
    log.info("not this")
    log.warning("this")
    assert [event["event"] for event in logged(stream)] == ["this"]


def test_configuring_again_replaces() -> None:
    first, second = io.StringIO(), io.StringIO()
    configured(first)
    configured(second).info("once")
    assert first.getvalue() == ""
    assert len(logged(second)) == 1
