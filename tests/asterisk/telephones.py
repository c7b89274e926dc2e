"""Real telephones of these tests: where they call, and what they play."""

from pathlib import Path

import numpy as np

from callengine.caller.speech import load_speech
from tests.asterisk.alaw import Samples
from tests.asterisk.instance import Pbx
from tests.asterisk.phone import Model, open_phone


def address(pbx: Pbx) -> tuple[str, int]:
    """Asterisk's SIP."""
    return ("127.0.0.1", pbx.ports.sip)


def samples_of(recording: Path) -> Samples:
    """A recording of 8 kHz."""
    return np.frombuffer(load_speech(recording, "a recording"), np.int16)


async def refuse_late_call(pbx: Pbx) -> None:
    """Be there at last for a call to `operator` that nobody answered: Asterisk asks a telephone that is not there again
    for 32 s (RFC 3261, 17.1.1.2, timer B), and cannot take it back before there is a word of it. The telephone of the
    next test would take that call for its own."""
    async with open_phone(address(pbx), Model(port=pbx.ports.operator, user="operator", when_called="decline")) as late:
        assert await late.called()
