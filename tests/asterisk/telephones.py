"""Real telephones of these tests: where they call, and what they play."""

from pathlib import Path

import numpy as np

from callengine.caller.speech import load_speech
from tests.asterisk.alaw import Samples
from tests.asterisk.instance import Pbx


def address(pbx: Pbx) -> tuple[str, int]:
    """Asterisk's SIP."""
    return ("127.0.0.1", pbx.ports.sip)


def samples_of(recording: Path) -> Samples:
    """A recording of 8 kHz."""
    return np.frombuffer(load_speech(recording, "a recording"), np.int16)
