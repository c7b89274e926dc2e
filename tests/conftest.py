"""What every test runs under: an ERROR in the log that nobody expected fails the test."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import structlog
from hypothesis import settings

from callengine.logs import route_to_stdlib
from tests.same_examples import take_no_constants

pytest_plugins = [
    "tests.servers",
    "tests.state_servers",
    "tests.s3",
    "tests.required_servers",
    "tests.workers",
    "tests.figures",
    "pytester",
]

# No example has a deadline: timed assertions do not belong in tests. In CI Hypothesis's own profile: the same examples
# each time, so that what fails there fails for what was changed; a run by hand looks for new ones.
settings.register_profile("by hand", deadline=None)
if os.environ.get("CALLENGINE_REQUIRE_SERVERS") == "1":
    settings.load_profile("ci")
    take_no_constants()
else:
    settings.load_profile("by hand")

ExpectErrorLog = Callable[[str], AbstractContextManager[None]]


class CollectErrors(logging.Handler):
    """Keeps the text of every record at ERROR or above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record's text; structlog's events come as a dict."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({record.exc_info[1]!r})"
        self.texts.append(text)


@pytest.fixture(autouse=True)
def error_logs() -> Iterator[CollectErrors]:
    """Fail the test when an ERROR was logged and not taken by `expect_error_log`."""
    collected = CollectErrors()
    root = logging.getLogger()
    root.addHandler(collected)
    route_to_stdlib()
    yield collected
    root.removeHandler(collected)
    structlog.contextvars.clear_contextvars()
    if collected.texts:
        pytest.fail("unexpected ERROR in the log: " + "; ".join(collected.texts), pytrace=False)


@pytest.fixture
def expect_error_log(error_logs: CollectErrors) -> ExpectErrorLog:
    """`with expect_error_log("part of its text"):` - the block must log such an ERROR, which is then no failure."""

    @contextmanager
    def expect(part: str) -> Iterator[None]:
        before = len(error_logs.texts)
        yield
        found = [text for text in error_logs.texts[before:] if part in text]
        assert found, f"no ERROR with {part!r} was logged; there were {error_logs.texts[before:]}"
        error_logs.texts[before:] = [text for text in error_logs.texts[before:] if part not in text]

    return expect
