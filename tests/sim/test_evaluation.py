"""Recordings heard by a scripted recogniser in virtual time: every figure is known beforehand."""

import array

import pytest
import trio
import trio.testing

from backends.stt.scripted import ScriptedRecognizer
from callengine.evaluation.figures import figures_of, row_of
from callengine.evaluation.hearing import LEAD_SECONDS, PATIENCE_SECONDS, Heard, hear
from callengine.evaluation.report import csv_of, problems_of, table_of
from callengine.evaluation.samples import Sample
from callengine.ports.recognition import StreamSpec

ENGLISH = StreamSpec("en-GB")
TONE = array.array("h", [3000, -3000] * 4000).tobytes()  # a second


async def heard_by(recognizer: ScriptedRecognizer, sample: Sample, end: int | None = 8000) -> Heard:
    return await hear(recognizer, sample, end, ENGLISH)


async def test_the_wait_is_from_the_end_of_speech(autojump_clock: trio.testing.MockClock) -> None:
    recognizer = ScriptedRecognizer(["Winter tyres."], final_delay_seconds=0.35, interim_every_seconds=0.25)
    heard = await heard_by(recognizer, Sample("a", TONE, "winter tyres"))
    assert heard.text == "Winter tyres."
    assert heard.interims == 4
    # 0.4 s of silence end the burst, which is seen when the chunk that holds them has come
    assert heard.final_seconds == pytest.approx(0.4 + 0.35, abs=0.11)
    assert heard.seconds == pytest.approx(LEAD_SECONDS + 1.0 + 0.75, abs=0.2)
    assert heard.problem == ""


async def test_a_recogniser_that_says_nothing_is_closed_and_asked(autojump_clock: trio.testing.MockClock) -> None:
    recognizer = ScriptedRecognizer(["Yes."], silence_seconds=60)
    heard = await heard_by(recognizer, Sample("a", TONE, "yes"))
    assert (heard.text, heard.final_seconds) == ("Yes.", None)
    assert heard.seconds == pytest.approx(LEAD_SECONDS + 1.0 + PATIENCE_SECONDS, abs=0.11)
    figures = figures_of("slow", [row_of(heard, "en-GB")], None)
    assert (figures.unanswered, figures.errors.rate, figures.final_seconds["p50"]) == (1, 0.0, None)


async def test_a_stream_that_breaks_is_in_no_other_figure(autojump_clock: trio.testing.MockClock) -> None:
    broken = await heard_by(ScriptedRecognizer(["Yes."], fail_after=0.5), Sample("broken", TONE, "yes"))
    good = await heard_by(ScriptedRecognizer(["No."]), Sample("good", TONE, "yes"))
    figures = figures_of("x", [row_of(broken, "en-GB"), row_of(good, "en-GB")], 0.6)
    assert figures.failed == 1
    assert (figures.errors.words, figures.errors.substituted) == (1, 1)
    assert figures.cost_usd == pytest.approx(0.6 * 2 / 60)  # 1.9 s, to the second
    assert problems_of(figures) == ["x: broken: scripted recogniser: breaks as its script says"]
    assert table_of([figures]).row_count == 13
    lines = csv_of([figures]).splitlines()
    assert lines[0].startswith("backend,sample,wer,words,")
    assert len(lines) == 3
