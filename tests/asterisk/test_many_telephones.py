"""Fifty telephones in this one process, each with a call of its own: the measure of what these tests may ask."""

import time
from functools import partial

import pytest
import trio

from tests.asterisk.comparison import compare, is_late_audio
from tests.asterisk.conftest import Figure
from tests.asterisk.heard import audio_of, percentile, spacings_ms
from tests.asterisk.instance import Pbx
from tests.asterisk.phone import Phone, open_phone
from tests.asterisk.recorded import CLIPS, clip_samples

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

TELEPHONES = 50
ECHO = "109"


async def call_the_echo(pbx: Pbx, number: int, phones: list[Phone]) -> None:
    """Each says something else; what it says comes back."""
    async with open_phone(("127.0.0.1", pbx.ports.sip)) as phone:
        phones.append(phone)
        assert await phone.dial(ECHO)
        said = clip_samples(CLIPS[number % len(CLIPS)])
        assert await phone.say(said)
        assert await phone.hears(said)
        await phone.hang_up()
    heard = audio_of(phone.heard).samples
    found = compare(said, heard)
    assert all(is_late_audio(difference, said, heard) for difference in found.differences)
    assert found.exact


async def test_fifty_telephones_hear_what_they_said(pbx: Pbx, figure: Figure) -> None:
    phones: list[Phone] = []
    began, worked = time.monotonic(), time.process_time()
    async with trio.open_nursery() as nursery:
        for number in range(TELEPHONES):
            nursery.start_soon(partial(call_the_echo, pbx, number, phones))
    figure("of a core, for one telephone", (time.process_time() - worked) / sum(len(p.sent) * 0.02 for p in phones))
    figure("all calls together", time.monotonic() - began)
    figure(
        "spacing of packets sent, p99.9", percentile([ms for p in phones for ms in spacings_ms(p.sent)], 99.9) / 1000
    )
    assert len({id(phone) for phone in phones if phone.ending is not None}) == TELEPHONES
