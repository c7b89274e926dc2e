"""A call by sipp: a telephone that is not of our own make says two things, and the record has them to the letter."""

import subprocess
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
import trio

from tests.asterisk import alaw
from tests.asterisk.callers import PATIENCE_SECONDS, record
from tests.asterisk.instance import Pbx
from tests.asterisk.knowing import RECORDINGS, SHORT, knowing_settings
from tests.asterisk.nodes import Nodes
from tests.asterisk.packages import Installation
from tests.asterisk.recorded import clip_samples

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

SCENARIO = Path(__file__).with_name("sipp.xml")
SAID = RECORDINGS[:2]
LISTENS_SECONDS = 5.0  # to the greeting and to each answer: more than twice what they take


def write_call(folder: Path, uuid: UUID) -> float:
    """The scenario and what it plays, in a folder; how many seconds that lasts."""
    (folder / SCENARIO.name).write_text(SCENARIO.read_text().replace("@UUID@", str(uuid)))
    listens = np.full(round(8000 * LISTENS_SECONDS), 8, np.int16)
    parts = [part for clip in SAID for part in (listens, clip_samples(clip))]
    speech = np.concatenate([*parts, listens])
    (folder / "speech.alaw").write_bytes(alaw.encode(speech))
    return len(speech) / 8000


def command(asterisk: Installation, pbx: Pbx, seconds: float) -> list[str]:
    """sipp's command line, for one call that lasts so long."""
    first, last = pbx.ports.rtp[1] - 20, pbx.ports.rtp[1]
    options = {"-sf": SCENARIO.name, "-s": "100", "-i": "127.0.0.1", "-mi": "127.0.0.1", "-m": "1"}
    options |= {"-d": f"{1000 * seconds:.0f}", "-min_rtp_port": str(first), "-max_rtp_port": str(last)}
    words = [word for option in options.items() for word in option]
    return [*asterisk.loader, str(asterisk.sipp), f"127.0.0.1:{pbx.ports.sip}", *words, "-nostdin"]


async def test_a_call_by_sipp(asterisk: Installation, pbx: Pbx, nodes: Nodes, tmp_path: Path) -> None:
    if asterisk.sipp is None:
        pytest.skip("no sipp in this installation")
    uuid, folder = uuid4(), tmp_path / "sipp"
    folder.mkdir()
    call = command(asterisk, pbx, write_call(folder, uuid))
    with nodes.open("a", **knowing_settings(tmp_path)) as engine:
        with trio.fail_after(PATIENCE_SECONDS):
            done = await trio.run_process(call, cwd=folder, stderr=subprocess.STDOUT, capture_stdout=True, check=False)
        found = await record(engine, uuid, closed=True)
    assert done.returncode == 0, done.stdout[-2000:]
    heard = [turn["text"].removesuffix(SHORT) for turn in found["turns"] if turn["role"] == "caller"]
    assert heard == [clip.text for clip in SAID]
