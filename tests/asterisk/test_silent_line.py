"""Ten seconds without RTP: the call stays up, call time goes on, and what is said afterwards is heard whole."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.asterisk.comparison import compare, is_late_audio
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import audio_of, is_sound
from tests.asterisk.instance import Pbx
from tests.asterisk.mouth import Habits
from tests.asterisk.nodes import GREETING, Nodes
from tests.asterisk.phone import Model, Phone, open_phone
from tests.asterisk.recorded import CLIPS, clip_samples, kept_audio, recorded_settings, speech_of

pytestmark = [pytest.mark.integration, pytest.mark.asterisk, pytest.mark.slow]

SILENT_SECONDS = 10.0
PAUSE_SECONDS = 1.2  # longer than any in the recordings
BEFORE, AFTER = clip_samples(CLIPS[0]), clip_samples(CLIPS[1])
DTX = Model(habits=Habits(suppresses_silence=True))


async def fall_silent(phone: Phone, way: str) -> None:
    """Send nothing for ten seconds: as a phone on mute, one that puts the agent on hold, one that saves packets."""
    if way == "mute":
        phone.mute(on=True)
    elif way == "hold":
        assert await phone.hold(on=True)
    assert await phone.sleep(SILENT_SECONDS)
    if way == "mute":
        phone.mute(on=False)
    elif way == "hold":
        assert await phone.hold(on=False)


def longest_in_speech(phone: Phone) -> float:
    """Seconds; a hole in what the recogniser got may come of this machine alone."""
    speech = [timed for timed in phone.sent if is_sound(timed.packet)]
    return max(after.at - before.at for before, after in pairwise(speech) if after.packet.follows(before.packet))


@pytest.mark.parametrize("way", ["mute", "hold", "DTX"])
async def test_a_call_outlives_ten_seconds_without_rtp(
    way: str, pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    with nodes.open("a", **recorded_settings(tmp_path)):
        async with open_phone(("127.0.0.1", pbx.ports.sip), DTX if way == "DTX" else Model()) as phone:
            assert await phone.dial("100")
            assert await phone.agent_silent(PAUSE_SECONDS)
            assert await phone.say(BEFORE)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await fall_silent(phone, way)
            again = len(phone.sent)
            assert await phone.say(AFTER)
            assert await phone.agent_silent(PAUSE_SECONDS)
            await phone.hang_up()
    got = kept_audio(tmp_path)
    first, second = compare(BEFORE, got), compare(AFTER, got)
    for found, said in ((first, BEFORE), (second, AFTER)):
        assert found.exact
        assert all(is_late_audio(difference, said, got) for difference in found.differences)
    figure("longest time between two packets sent in speech", longest_in_speech(phone))
    assert second.begin - first.begin > (SILENT_SECONDS - 1) * 8000
    assert np.abs(got[second.begin - 8000 : second.begin - 800]).max() <= 8
    in_call = (second.begin - first.begin) / 8000
    spoke = [next(timed.at for timed in part if is_sound(timed.packet)) for part in (phone.sent, phone.sent[again:])]
    figure("call time less real time across the silence", in_call - (spoke[1] - spoke[0]))
    assert compare(speech_of(GREETING), audio_of(phone.heard).samples).differences == ()
