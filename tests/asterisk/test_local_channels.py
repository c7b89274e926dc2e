"""Callers at Local channels, as a dialplan's own originate makes them: what they play is heard to the sample.

They play without listening, so on a busy machine they may speak over the agent, where a short word counts as a murmur:
they have the longest recordings."""

from pathlib import Path

import pytest
import trio

from tests.asterisk.callers import call, open_api, open_ari, record_by
from tests.asterisk.conftest import Figure
from tests.asterisk.exchange import until_all_have_left, write_recording
from tests.asterisk.instance import Pbx
from tests.asterisk.knowing import RECORDINGS, knowing_settings
from tests.asterisk.nodes import Nodes
from tests.asterisk.recorded import clip_samples

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SAID = 2 * sorted(RECORDINGS, key=lambda clip: len(clip.slin))[-25:]
GREETING_SECONDS = "3"
ANSWER_SECONDS = "6"  # for a call that was late to begin


async def test_fifty_local_callers_are_each_understood(pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure) -> None:
    assert len(SAID) == 50
    files = [write_recording(tmp_path / str(number), clip_samples(clip)) for number, clip in enumerate(SAID)]
    with nodes.open("a", **knowing_settings(tmp_path)) as engine:
        began = trio.current_time()
        callers = [await call(pbx, PRE=GREETING_SECONDS, WAV=file, TAIL=ANSWER_SECONDS) for file in files]
        async with open_ari(pbx) as ari:
            await until_all_have_left(ari)
        figure("fifty Local calls from beginning to end", trio.current_time() - began)
        async with open_api(engine) as api:
            found = [await record_by(api, caller.uuid, closed=True) for caller in callers]
    heard = [[turn["text"] for turn in each["turns"] if turn["role"] == "caller"] for each in found]
    assert heard == [[clip.text] for clip in SAID]
