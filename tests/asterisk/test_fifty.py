"""Fifty calls at once, by SIP from another Asterisk: each says other things, and each record has what was said."""

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import psutil
import pytest
import trio

from tests.asterisk.callers import open_api, open_ari, record_by
from tests.asterisk.conftest import Figure
from tests.asterisk.exchange import call_through, open_exchange, until_all_have_left, write_recording
from tests.asterisk.instance import Pbx
from tests.asterisk.knowing import RECORDINGS, SHORT, knowing_settings
from tests.asterisk.nodes import Nodes
from tests.asterisk.recorded import clip_samples
from tests.speech import Clip

pytestmark = [pytest.mark.integration, pytest.mark.asterisk]

CALLS = 50
SAID = 3  # recordings a call
APART = 17  # in the list of recordings: no two callers say the same
GREETING_SECONDS = 4.0  # twice what the scripted voice takes: who speaks over the agent may not be heard as meant
PAUSE_SECONDS = 4.0  # for the agent's answer
MOST_SHORT = 5  # a call's thousand packets have the number 0 among them once in 65; in speech once in 150


@dataclass(frozen=True, slots=True)
class Caller:
    """One of the fifty, and what it says."""

    uuid: UUID
    says: tuple[Clip, ...]

    @property
    def texts(self) -> list[str]:
        """What the record is to have."""
        return [clip.text for clip in self.says]


def make_callers() -> list[Caller]:
    """No two of them say the same, nor does one say anything twice."""
    return [
        Caller(uuid4(), tuple(RECORDINGS[(number + APART * turn) % len(RECORDINGS)] for turn in range(SAID)))
        for number in range(CALLS)
    ]


def write_recordings(folder: Path) -> dict[str, str]:
    """What callers may play, by transcript; and "" is the time that an answer takes. Written once: they share them."""
    files = {clip.text: write_recording(folder / str(n), clip_samples(clip)) for n, clip in enumerate(RECORDINGS)}
    return files | {"": write_recording(folder / "pause", np.full(round(8000 * PAUSE_SECONDS), 8, np.int16))}


async def place(ari: httpx.AsyncClient, callers: list[Caller], files: dict[str, str]) -> None:
    """Let them all call."""
    for caller in callers:
        playlist = chain.from_iterable((files[text], files[""]) for text in caller.texts)
        await call_through(ari, caller.uuid, PRE=str(GREETING_SECONDS), WAV="&".join(playlist))


async def test_fifty_calls_at_once_with_every_transcript_right(
    pbx: Pbx, nodes: Nodes, tmp_path: Path, figure: Figure
) -> None:
    callers, files = make_callers(), write_recordings(tmp_path)
    with (
        nodes.open("a", **knowing_settings(tmp_path)) as engine,
        open_exchange(pbx, tmp_path / "exchange") as exchange,
    ):
        async with open_ari(exchange) as ari:
            began, worked = trio.current_time(), cpu_seconds(engine.process.pid)
            await place(ari, callers, files)
            figure("fifty calls placed", trio.current_time() - began)
            assert await until_all_have_left(ari) == CALLS
            took = trio.current_time() - began
        figure("fifty calls from beginning to end", took)
        figure("of a core, for the engine", (cpu_seconds(engine.process.pid) - worked) / took)
        figure("of a core, for Asterisk since its start, by its calls", cpu_seconds(pbx.pid) / took)
        async with open_api(engine) as api:
            records = {caller.uuid: await record_by(api, caller.uuid, closed=True) for caller in callers}
    outcomes = Counter(found["outcome"] for found in records.values())
    assert outcomes.keys() <= {"abandoned", "completed"}, outcomes
    heard = {uuid: transcript(found) for uuid, found in records.items()}
    short = sum(text.endswith(SHORT) for texts in heard.values() for text in texts)
    print(f"recordings without a frame, that of RTP's number 0: {short} of {CALLS * SAID}")
    whole = {uuid: [text.removesuffix(SHORT) for text in texts] for uuid, texts in heard.items()}
    assert whole == {caller.uuid: caller.texts for caller in callers}
    assert short <= MOST_SHORT


def transcript(found: dict[str, Any]) -> list[str]:
    """What a record says that the caller said, a turn each."""
    return [turn["text"] for turn in found["turns"] if turn["role"] == "caller"]


def cpu_seconds(pid: int) -> float:
    """What a process has worked."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
