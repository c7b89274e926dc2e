"""The fixture that fails a test for an unexpected ERROR, seen from inside a test of its own."""

import logging

import pytest
import structlog

from tests.conftest import CollectErrors, ExpectErrorLog


@pytest.mark.parametrize("name", ["callengine.call", "hypercorn.error"])
def test_an_error_of_either_kind_is_collected(error_logs: CollectErrors, name: str) -> None:
    structlog.get_logger(name).error("ours failed", part="x")
    logging.getLogger(name).error("theirs %s", "failed")
    texts, error_logs.texts = error_logs.texts, []
    assert len(texts) == 2
    assert "ours failed" in texts[0]
    assert texts[1] == "theirs failed"


def test_a_warning_is_not_an_error(error_logs: CollectErrors) -> None:
    structlog.get_logger("callengine.call").warning("odd")
    assert error_logs.texts == []


def test_an_expected_error_is_taken(error_logs: CollectErrors, expect_error_log: ExpectErrorLog) -> None:
    with expect_error_log("call failed"):
        structlog.get_logger("callengine.call").error("call failed")
    assert error_logs.texts == []


def test_an_error_that_does_not_come_is_a_failure(expect_error_log: ExpectErrorLog) -> None:
    with pytest.raises(AssertionError, match="no ERROR with 'call failed'"), expect_error_log("call failed"):
        pass
