"""Real telephones of these tests: where they call, and what they play."""

import re
from pathlib import Path

import numpy as np
import trio

from callengine.caller.speech import load_speech
from tests.asterisk.alaw import Samples
from tests.asterisk.callers import LOOK_AGAIN_SECONDS, PATIENCE_SECONDS
from tests.asterisk.instance import Pbx
from tests.asterisk.phone import Model, open_phone

TIMER_B_SECONDS = 32.0  # RFC 3261, 17.1.1.2: 64 * T1


def address(pbx: Pbx) -> tuple[str, int]:
    """Asterisk's SIP."""
    return ("127.0.0.1", pbx.ports.sip)


def samples_of(recording: Path) -> Samples:
    """A recording of 8 kHz."""
    return np.frombuffer(load_speech(recording, "a recording"), np.int16)


async def put_together(pbx: Pbx) -> None:
    """Wait for one bridge of two, and no other: it comes a moment after the answer or the dialplan's last line, and a
    Local channel's two become one."""
    with trio.fail_after(PATIENCE_SECONDS):
        while re.findall(r"^\S+ +\S+ +(\d+) ", pbx.rx("bridge show all"), re.MULTILINE) != ["2"]:
            await trio.sleep(LOOK_AGAIN_SECONDS)


async def refuse_late_call(pbx: Pbx) -> None:
    """Be there at last for a call to `operator` that nobody answered: Asterisk asks a telephone that is not there again
    until timer B ends it, and cannot take it back before there is a word of it. The telephone of the next test would
    take that call for its own."""
    async with open_phone(address(pbx), Model(port=pbx.ports.operator, user="operator", when_called="decline")) as late:
        with trio.move_on_after(TIMER_B_SECONDS):  # since before; then nobody asks any more
            await late.called()
