"""Which of two recognisers may be away when an engine starts, and what is said of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from backends.stt.scripted import LIMITS
from callengine.call.failover import CHOSEN, FALLBACK, OPEN_SECONDS
from callengine.call.sources import Sources
from callengine.errors import ConfigError, RecognizerError
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec
from callengine.recognisers import check_recognizers

NAMES = ("whisper", "google")
AWAY = RecognizerError("whisper-server at gpu:8443: UNAVAILABLE: nobody there", retryable=True)
AWAY_TOO = RecognizerError("Google Speech at eu: UNAVAILABLE: no route", retryable=True)
REFUSED = RecognizerError("the server does not know it", retryable=False, setting="WHISPER_TOKEN")


@dataclass
class Checked:
    """A recogniser that is only checked: it is well, or says what is wrong."""

    problem: RecognizerError | None = None
    limits: StreamLimits = field(default=LIMITS)

    async def check(self) -> None:
        if self.problem is not None:
            raise self.problem

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        raise AssertionError("nobody opens a stream")
        yield


def sources(*problems: RecognizerError | None) -> Sources:
    return Sources(tuple(Checked(problem) for problem in problems))


async def test_both_are_there() -> None:
    with capture_logs() as logs:
        await check_recognizers(sources(None, None), NAMES)
    assert logs == []


@pytest.mark.parametrize(("at", "other"), [(CHOSEN, FALLBACK), (FALLBACK, CHOSEN)])
async def test_one_that_is_away_is_named_and_the_other_serves(
    at: int, other: int, autojump_clock: trio.testing.MockClock
) -> None:
    both = sources(*(AWAY if number == at else None for number in (CHOSEN, FALLBACK)))
    with capture_logs() as logs:
        await check_recognizers(both, NAMES)
    [line] = logs
    settings = "STT_BACKEND", "STT_FALLBACK"
    assert (line["log_level"], line["setting"], line["name"]) == ("warning", settings[at], NAMES[at])
    assert line["problem"] == str(AWAY)
    assert line["serving_with"] == f"{settings[other]}={NAMES[other]}"
    now = trio.current_time()
    assert both.first(now) == other
    assert both.first(now + OPEN_SECONDS) == CHOSEN, "the chosen one is tried again"


async def test_both_away_is_one_line_that_names_both() -> None:
    with capture_logs() as logs, pytest.raises(ConfigError) as caught:
        await check_recognizers(sources(AWAY, AWAY_TOO), NAMES)
    assert str(caught.value) == f"WHISPER_URL: {AWAY}; STT_FALLBACK=google is away as well: {AWAY_TOO}"
    assert logs == []


async def test_the_only_one_away_is_its_setting() -> None:
    with pytest.raises(ConfigError) as caught:
        await check_recognizers(sources(AWAY), ("whisper", ""))
    assert str(caught.value) == f"WHISPER_URL: {AWAY}"


@pytest.mark.parametrize("problems", [(REFUSED, None), (AWAY, REFUSED), (REFUSED, AWAY)])
async def test_one_that_would_refuse_every_call_is_a_wrong_setting_whatever_the_other_does(
    problems: tuple[RecognizerError | None, ...],
) -> None:
    with pytest.raises(ConfigError, match=r"^WHISPER_TOKEN: the server does not know it$"):
        await check_recognizers(sources(*problems), NAMES)
