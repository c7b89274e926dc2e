"""Callers at Local channels, as a dialplan's own originate makes them: what they play is heard to the sample."""

from pathlib import Path

import pytest

from tests.asterisk.callers import call, record
from tests.asterisk.exchange import write_recording
from tests.asterisk.instance import Pbx
from tests.asterisk.knowing import RECORDINGS, knowing_settings
from tests.asterisk.nodes import Nodes
from tests.asterisk.recorded import clip_samples

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SAID = RECORDINGS[:5]
GREETING_SECONDS = "3"


async def test_five_local_callers_are_each_understood(pbx: Pbx, nodes: Nodes, tmp_path: Path) -> None:
    files = [write_recording(tmp_path / str(number), clip_samples(clip)) for number, clip in enumerate(SAID)]
    with nodes.open("a", **knowing_settings(tmp_path)) as engine:
        callers = [await call(pbx, PRE=GREETING_SECONDS, WAV=file, TAIL="3") for file in files]
        found = [await record(engine, caller.uuid, closed=True) for caller in callers]
    heard = [[turn["text"] for turn in each["turns"] if turn["role"] == "caller"] for each in found]
    assert heard == [[clip.text] for clip in SAID]
