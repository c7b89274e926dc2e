"""A recorded call in virtual time: the file has what went over the line, when it did, and no call waits for a disk."""

import errno
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from backends.dialog.fixed import ScriptedDialog
from callengine.call import parts as call_parts
from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, RATE
from callengine.metrics import recordings_total
from callengine.ports.journal import RecordingKept, TurnRecorded
from callengine.recording import recorder as recorder_module
from callengine.recording.files import PART, Place
from callengine.recording.recorder import Recorder, open_recorder
from tests.conftest import ExpectErrorLog
from tests.sim.asterisk import FIRST_UUID, VOICE_FRAME, SimulatedAsterisk
from tests.sim.call import Parts
from tests.sim.engine import Line, Play, open_play
from tests.sim.wire import SentMessage

NOTICE = "Разговор записывается, чтобы мы могли лучше вам помочь."


@pytest.fixture(autouse=True)
def threads_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time knows nothing of a thread's."""

    async def run_here(work: Callable[..., Any], *args: object, **_: object) -> Any:
        await trio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_here)


@asynccontextmanager
async def recording_to(folder: Path, kept: list[RecordingKept], least_free: int = 0) -> AsyncIterator[Recorder]:
    async with open_recorder(Place(folder, "node-1"), least_free, kept.append) as recorder:
        yield recorder


def parts_with(recorder: call_parts.Recorder, notice: str = "") -> Parts:
    parts = Parts(recorder=recorder, dialog=ScriptedDialog(("Да, есть зимние шины на любой вкус.",)))
    parts.agent = parts.agent.model_copy(update={"recording_notice": notice})
    return parts


async def talk(play: Play) -> None:
    """The greeting, a question, its answer, and the caller is gone."""
    asterisk = play.asterisk
    await asterisk.agent_speaks()
    await asterisk.agent_silent()
    await trio.sleep(0.7)
    await asterisk.speak(1.5)
    await asterisk.agent_speaks()
    await asterisk.agent_silent()
    await trio.sleep(1.33)
    asterisk.hang_up()


def sides(path: Path) -> tuple[list[int], list[int]]:
    """The caller's and the agent's side of a file."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
        frames = memoryview(file.readframes(file.getnframes())).cast("h")
    return frames[::2].tolist(), frames[1::2].tolist()


def runs_of_speech(sent: list[SentMessage]) -> Iterator[tuple[float, list[int]]]:
    """What was heard without a pause: since when, and its samples."""
    run: tuple[float, list[int]] | None = None
    for frame in sent:
        if frame.speech:
            run = run or (frame.at, [])
            run[1].extend(memoryview(frame.payload).cast("h"))
        elif run is not None:
            yield run
            run = None


def turns(play: Play) -> list[tuple[str, str, bool]]:
    entries = [entry for entry in play.journal.entries if isinstance(entry, TurnRecorded)]
    return [(turn.role, turn.text, turn.interrupted) for turn in sorted(entries, key=lambda turn: turn.sequence)]


async def test_the_file_has_both_sides_when_they_were_heard(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    kept: list[RecordingKept] = []
    async with recording_to(tmp_path, kept) as recorder:
        async with open_play(parts_with(recorder), Line(SimulatedAsterisk())) as play:
            began = trio.current_time()
            await talk(play)
        seconds = trio.current_time() - began
    (recording,) = kept
    assert (recording.call_id, recording.node, recording.url) == (str(FIRST_UUID), "node-1", "")
    caller, agent = sides(tmp_path / recording.file)
    assert len(caller) == len(agent) == round(recording.seconds * RATE)
    assert seconds - 3.0 < recording.seconds <= seconds
    # the agent's side is what went out, where it went out
    expected = [0] * len(agent)
    for at, samples in runs_of_speech(play.asterisk.frames()):
        place = int((at - began) * RATE)
        expected[place : place + len(samples)] = samples
    assert any(expected)
    assert agent in (expected, [0, *expected[:-1]]), "a sample's rounding apart"
    # the caller's is what came in: one and a half seconds of the same frame
    voice = memoryview(VOICE_FRAME).cast("h").tolist()
    first = next(place for place, sample in enumerate(caller) if sample)
    frames = [
        caller[at : at + FRAME_SAMPLES] for at in range(first - first % FRAME_SAMPLES, len(caller), FRAME_SAMPLES)
    ]
    spoken = frames.index([0] * FRAME_SAMPLES)
    assert spoken in (75, 76)
    assert frames[:spoken] == [voice] * spoken
    assert not any(map(any, frames[spoken:]))
    assert [path.name for path in tmp_path.rglob("*") if path.name.endswith(PART)] == []


async def test_a_recorded_call_sounds_like_one_that_is_not(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    heard = []
    kept: list[RecordingKept] = []
    async with recording_to(tmp_path, kept) as recorder:
        for recorder_or_none in (recorder, None):
            parts = Parts() if recorder_or_none is None else parts_with(recorder_or_none)
            parts.dialog = ScriptedDialog(("Да, есть зимние шины на любой вкус.",))
            async with open_play(parts, Line(SimulatedAsterisk())) as play:
                await talk(play)
            assert all(abs(spacing - 0.02) < 1e-6 for spacing in play.asterisk.spacings())
            heard.append([sent.payload for sent in play.asterisk.frames() if sent.speech])
    assert heard[0] == heard[1]


async def test_a_full_disk_ends_the_recording_and_not_the_call(
    autojump_clock: trio.testing.MockClock, tmp_path: Path, expect_error_log: ExpectErrorLog
) -> None:
    kept: list[RecordingKept] = []
    failed = recordings_total.labels("failed")._value.get()
    with expect_error_log("recordings are cut short"):
        async with (
            recording_to(tmp_path, kept, least_free=1 << 62) as recorder,
            open_play(parts_with(recorder), Line(SimulatedAsterisk())) as play,
        ):
            await talk(play)
    assert kept == []
    assert [role for role, _, _ in turns(play)] == ["agent", "caller", "agent"]
    assert recordings_total.labels("failed")._value.get() == failed + 1


async def test_a_disk_that_fills_up_leaves_what_it_has(
    autojump_clock: trio.testing.MockClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    expect_error_log: ExpectErrorLog,
) -> None:
    kept: list[RecordingKept] = []
    write, writes = recorder_module._write_whole, 0

    def filling_up(*args: Any) -> None:
        nonlocal writes
        writes += 1
        if writes > 3:  # the second chunk, after its sound and before its header
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args)

    monkeypatch.setattr(recorder_module, "_write_whole", filling_up)
    with expect_error_log("No space left on device"):
        async with (
            recording_to(tmp_path, kept) as recorder,
            open_play(parts_with(recorder), Line(SimulatedAsterisk())) as play,
        ):
            await talk(play)
    (recording,) = kept
    caller, _ = sides(tmp_path / recording.file)
    assert len(caller) == recording.seconds * RATE > 0
    assert recording.seconds % 1 == 0
    assert [role for role, _, _ in turns(play)] == ["agent", "caller", "agent"]


async def test_a_caller_is_told_first_and_cannot_talk_over_it(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with (
        recording_to(tmp_path, []) as recorder,
        open_play(parts_with(recorder, NOTICE), Line(SimulatedAsterisk())) as play,
    ):
        await play.asterisk.agent_speaks()
        await play.asterisk.speak(1.0)
        await play.asterisk.agent_silent()
        await play.asterisk.agent_speaks()
        await play.asterisk.agent_silent()
        await trio.sleep(0.5)
        play.asterisk.hang_up()
    assert turns(play)[:2] == [("agent", NOTICE, False), ("caller", "есть зимние шины?", False)]


async def test_a_silent_caller_is_told_and_then_greeted(autojump_clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with (
        recording_to(tmp_path, []) as recorder,
        open_play(parts_with(recorder, NOTICE), Line(SimulatedAsterisk())) as play,
    ):
        await play.asterisk.agent_speaks()
        await play.asterisk.agent_silent()  # the greeting comes in the frame after the notice's last
        await trio.sleep(0.3)
        play.asterisk.hang_up()
    greeting = play.engine.agents.default.greeting
    assert turns(play) == [("agent", NOTICE, False), ("agent", greeting, False)]
    assert play.journal.entries[-1].outcome == "abandoned"  # type: ignore[union-attr]


async def test_who_is_not_recorded_is_not_told_so(autojump_clock: trio.testing.MockClock) -> None:
    parts = Parts()
    parts.agent = parts.agent.model_copy(update={"recording_notice": NOTICE})
    async with open_play(parts, Line(SimulatedAsterisk())) as play:
        await play.asterisk.agent_speaks()
        await play.asterisk.agent_silent()
        await trio.sleep(0.3)
        play.asterisk.hang_up()
    assert turns(play)[0][1] == parts.agent.greeting


async def test_an_engine_that_ends_with_calls_up_leaves_whole_files(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """The recorder outlives the calls by its last round."""
    kept: list[RecordingKept] = []
    with trio.CancelScope() as engine:
        async with (
            recording_to(tmp_path, kept) as recorder,
            open_play(parts_with(recorder), Line(SimulatedAsterisk())) as play,
        ):
            await play.asterisk.agent_speaks()
            await trio.sleep(3.5)
            engine.cancel("the second signal")
    (recording,) = kept
    caller, _ = sides(tmp_path / recording.file)
    assert len(caller) >= 3 * RATE
    assert len(caller) * 2 % FRAME_BYTES == 0
