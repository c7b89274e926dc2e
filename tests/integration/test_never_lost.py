"""No word lost on real servers: recorded speech in real time while streams come to their limit, or a server is killed.

Positions are told by the audio itself (`tests.aloud`); words are compared by `make bench-stt`, for a model may hear a
sentence otherwise when it begins some milliseconds elsewhere in its stream."""

import pytest
import trio

from callengine import metrics
from callengine.call import patience
from callengine.media.silero import SileroModel
from tests.aloud.lines import line
from tests.aloud.overheard import Overheard
from tests.aloud.recital import Recital, mid_sentence, rotations
from tests.google_clients import plain
from tests.recognizers import open_google, open_whisper_and_google
from tests.servers import listening, start_whisper_server, whisper_server
from tests.sim.call import open_clock

pytestmark = pytest.mark.integration

LIMIT_SECONDS = 10.0  # thrice the longest sentence: what is replayed leaves room for what comes
PAUSE_SECONDS = (0.65, 0.65)  # the recogniser's endpointing wants half a second


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's Whisper answers late, and has not hung."""
    monkeypatch.setattr(patience, "HANG_SECONDS", 30.0)


def restarts(reason: str) -> float:
    return float(metrics.stt_restarts_total.labels(reason)._value.get())


async def test_rotation_at_a_shortened_limit_in_speech() -> None:
    said = line("en", 8, PAUSE_SECONDS)
    faults = restarts("broken"), restarts("hung")
    with whisper_server(WHISPER_FAULTS=f"limit={LIMIT_SECONDS}") as address:
        async with open_google(address) as google, open_clock(SileroModel()) as clock:
            recital = Recital(said, (Overheard(google, said.audio, LIMIT_SECONDS),))
            await recital.run(clock)
    recital.check()
    assert rotations(recital) >= 2
    assert (restarts("broken"), restarts("hung")) == faults, "the server ended a stream, not we"
    assert len(plain(recital.text).split()) >= len(plain(said.text).split()) * 0.9


async def test_a_server_killed_in_mid_sentence_with_another_to_take_over() -> None:
    said = line("en", 4, PAUSE_SECONDS)
    failovers = metrics.stt_failovers_total._value.get()
    with whisper_server() as spare, start_whisper_server() as process:
        async with (
            open_whisper_and_google(f"grpc://{listening(process)}", spare) as opened,
            open_clock(SileroModel()) as clock,
        ):
            both = Overheard(opened[0], said.audio), Overheard(opened[1], said.audio)
            recital = Recital(said, both)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(recital.run, clock)
                await trio.sleep(mid_sentence(said, 1))
                process.kill()
    recital.check()
    assert metrics.stt_failovers_total._value.get() == failovers + 1
    assert [bool(each.streams[0].finals) for each in both] == [True, True], "both were needed"
    assert not both[0].streams[0].has(said.spoken[1])
    assert both[1].streams[0].has(said.spoken[1]), "the sentence is heard whole by the other one"
    assert len(plain(recital.text).split()) >= len(plain(said.text).split()) * 0.9
