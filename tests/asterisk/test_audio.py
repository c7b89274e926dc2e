"""Audio through a real Asterisk, both ways, sample by sample: at the caller's ear, and at the recogniser."""

from pathlib import Path

import numpy as np
import pytest

from tests.asterisk import alaw
from tests.asterisk.alaw import Samples
from tests.asterisk.comparison import Comparison, Span, compare, is_late_audio
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import SOUND, audio_of, percentile, spacings_ms, stream_faults
from tests.asterisk.instance import Pbx
from tests.asterisk.mouth import Habits
from tests.asterisk.nodes import GREETING, Nodes
from tests.asterisk.phone import Model, Phone, open_phone
from tests.asterisk.recorded import CLIPS, clip_samples, kept_audio, recorded_settings, speech_of
from tests.asterisk.tap import open_tap

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

EXTENSION = "100"
SAID = clip_samples(CLIPS[0])
LONG = np.concatenate([clip_samples(clip) for clip in CLIPS[1:4]])
ANSWER = "Я слушаю вас."  # the obedient dialog's
PAUSE_SECONDS = 1.2  # longer than any in the recordings
LATE_SECONDS = 4.0  # a call may be greeted so much later than at once
FRAME = 160


async def converse(phone: Phone) -> None:
    """Listen to the greeting, say something, listen to the answer."""
    assert await phone.dial(EXTENSION)
    assert await phone.agent_silent(PAUSE_SECONDS)
    assert await phone.say(SAID)
    assert await phone.agent_silent(PAUSE_SECONDS)
    await phone.hang_up()


def sent_after_first(phone: Phone) -> Samples:
    """What has reached Asterisk, from the second packet on: the first one may be lost while the engine is called."""
    arrived = [timed for timed in phone.sent if not timed.lost]
    return audio_of(arrived[1:]).samples


def until_speech_ends(samples: Samples) -> Samples:
    """Without the silence behind the last speech, of which a recogniser is sent no more once the call is over."""
    return samples[: int(np.flatnonzero(np.abs(samples) > SOUND)[-1]) + FRAME]


def silence_seconds(found: Comparison) -> float:
    """How much silence was put in among the speech."""
    return sum(difference.heard.length for difference in found.differences) / 8000


@pytest.mark.parametrize("ptime_ms", [20, 30])
async def test_both_ends_hear_every_sample(
    ptime_ms: int, pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    with nodes.open("a", **recorded_settings(tmp_path)):
        model = Model(habits=Habits(ptime_ms=ptime_ms))
        async with open_phone(("127.0.0.1", pbx.ports.sip), model) as phone:
            await converse(phone)
    heard = audio_of(phone.heard)
    for text in (GREETING, ANSWER):
        said = speech_of(text)
        found = compare(said, heard.samples)
        assert found.differences == ()
        assert found.clipped == 0
        assert abs(found.level_db) < 1
        assert found.exact
        times = [heard.time_of(found.begin + at) - at / 8000 for at in range(0, len(said), FRAME)]
        figure("frames behind the earliest one at the ear, p95", percentile(times, 95) - min(times))
    faults = stream_faults(phone.heard)
    assert (faults.lost, faults.doubled, faults.reordered) == ((), (), ())  # timestamps jump where an engine stalls
    figure("spacing of packets at the ear, p99", percentile(spacings_ms(phone.heard), 99) / 1000)
    sent = until_speech_ends(sent_after_first(phone))
    kept = kept_audio(tmp_path)
    got = compare(sent, kept)
    assert all(is_late_audio(difference, sent, kept) for difference in got.differences)
    assert got.exact
    figure("silence in the place of late packets", silence_seconds(got))
    figure("longest time between two packets sent", max(spacings_ms(phone.sent)) / 1000)


async def test_of_a_line_that_loses_a_tenth_every_packet_that_comes_is_heard(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    with nodes.open("a", **recorded_settings(tmp_path)):
        model = Model(habits=Habits(loss=0.1, seed=7))
        async with open_phone(("127.0.0.1", pbx.ports.sip), model) as phone:
            await converse(phone)
    sent = until_speech_ends(sent_after_first(phone))
    kept = kept_audio(tmp_path)
    got = compare(sent, kept)
    assert got.differences, "call time goes on where packets are lost"
    assert all(is_late_audio(difference, sent, kept) for difference in got.differences), got.differences
    assert got.exact
    figure("silence in the place of lost packets", silence_seconds(got))
    assert compare(speech_of(ANSWER), audio_of(phone.heard).samples).differences == ()


async def test_where_rtp_numbers_begin_again_no_packet_but_0_is_lost(pbx: Pbx, nodes: Nodes, tmp_path: Path) -> None:
    """After 65536 packets, 22 minutes. Asterisk 22.10.1 loses that one (docs/reference/asterisk.md)."""
    packets = round(50 * (len(speech_of(GREETING)) / 8000 + PAUSE_SECONDS + LATE_SECONDS))  # before speech
    with nodes.open("a", **recorded_settings(tmp_path)):
        model = Model(habits=Habits(first_number=2**16 - packets - 75))
        async with open_phone(("127.0.0.1", pbx.ports.sip), model) as phone:
            assert await phone.dial(EXTENSION)
            assert await phone.agent_silent(PAUSE_SECONDS)
            assert await phone.until(lambda: len(phone.sent) >= packets)
            assert await phone.say(LONG)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await phone.hang_up()
    (zero,) = [timed.packet for timed in phone.sent if timed.packet.sequence == 0]
    assert np.abs(alaw.decode(zero.payload)).max() > SOUND, "the number came in speech"
    sent = until_speech_ends(sent_after_first(phone))
    kept = kept_audio(tmp_path)
    got = compare(sent, kept)
    lost = [each.said for each in got.differences if not is_late_audio(each, sent, kept)]
    begin = zero.timestamp - phone.sent[1].packet.timestamp
    assert lost in ([], [Span(begin, begin + FRAME)])
    assert got.exact
    print(f"RTP's packet 0: {'lost' if lost else 'heard'}")


async def test_what_the_engine_writes_is_what_the_caller_hears_and_soon(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    with nodes.open("a", **recorded_settings(tmp_path), AUDIOSOCKET_PORT="0") as engine:
        address, port = ("127.0.0.1", pbx.ports.sip), pbx.ports.engine("a")
        async with open_tap(port, engine.port) as tap, open_phone(address) as phone:
            assert await phone.dial(EXTENSION)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await phone.hang_up()
    heard = audio_of(phone.heard)
    begin, end = np.flatnonzero(np.abs(tap.samples) > SOUND)[[0, -1]]
    found = compare(tap.samples[begin : end + 1], heard.samples)
    assert found.differences == ()
    assert found.exact
    delays = [
        heard.time_of(found.begin + at) - tap.times[(begin + at) // FRAME] for at in range(0, int(end - begin), FRAME)
    ]
    for percent in (50, 95, 100):
        figure(f"written to heard, p{percent}", percentile(delays, percent))
