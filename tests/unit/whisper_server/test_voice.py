"""Voice detection of many streams at once gives what each would have had alone; a stream's patience with silence."""

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from whisper_server.activity import ActivityTimer
from whisper_server.audio import Samples
from whisper_server.vad import Silero, VoiceDetection, VoiceStream

from tests.google_clients import sentences
from tests.plain_asyncio import run_plain


def alone(samples: Samples) -> list[float]:
    voice = VoiceStream(8000)
    voice.hold(samples)
    return Silero().run([voice])[0]


def test_streams_that_share_the_network_do_not_disturb_each_other() -> None:
    spoken = [np.frombuffer(clip.slin, "<i2")[:16_000] for clip in sentences("ru")[:5]]
    found: list[list[float]] = [[] for _ in spoken]

    async def listen(detection: VoiceDetection, index: int) -> None:
        voice, size = VoiceStream(8000), 500 + 100 * index
        for start in range(0, len(spoken[index]), size):
            found[index] += await detection.detect(voice, spoken[index][start : start + size])

    async def run() -> None:
        detection = VoiceDetection()
        await asyncio.gather(*(listen(detection, index) for index in range(len(spoken))))

    run_plain(run())
    for samples, probabilities in zip(spoken, found, strict=True):
        np.testing.assert_allclose(probabilities, alone(samples), atol=1e-4)


def test_both_rates_go_through_one_run() -> None:
    narrow, wide = VoiceStream(8000), VoiceStream(16_000)
    narrow.hold(np.zeros(2560, np.int16))
    wide.hold(np.zeros(2560, np.int16))
    probabilities = Silero().run([narrow, wide])
    assert [len(found) for found in probabilities] == [10, 5]


def test_a_stream_is_over_when_nobody_begins_or_goes_on() -> None:
    timer = ActivityTimer(to_start=8000, to_go_on=4000)
    assert not timer.is_over(7999)
    assert timer.is_over(8000)
    timer.began()
    assert not timer.is_over(80_000)
    timer.stopped(90_000)
    assert [timer.is_over(position) for position in (93_999, 94_000)] == [False, True]


@given(st.integers(0, 10**9))
def test_who_asked_for_no_time_out_has_none(position: int) -> None:
    timer = ActivityTimer(None, None)
    assert not timer.is_over(position)
    timer.began()
    timer.stopped(position)
    assert not timer.is_over(10**10)
