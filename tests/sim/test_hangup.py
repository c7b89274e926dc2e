"""The caller hangs up, or the line ends, anywhere: the call ends at once, and its record is what was heard."""

import trio.testing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import check_call, closed, said
from tests.sim.plays import PLAY_SECONDS, Delays, rich_parts, speak_all
from tests.sim.stamped import StampedVoice

LONGEST_END = 2.1
delays = st.builds(
    Delays,
    recognizer=st.sampled_from((0.0, 0.4, 1.9)),
    interims=st.sampled_from((0.0, 0.2)),
    dialog=st.floats(0.0, 2.0),
    words=st.sampled_from((0.0, 0.05)),
    tool=st.floats(0.0, 2.0),
    voice=st.floats(0.0, 1.0),
    chunks=st.sampled_from((0.0, 0.1, 0.3)),
)


def voice_of(parts: Parts) -> StampedVoice:
    assert isinstance(parts.voice, StampedVoice)
    return parts.voice


async def play(parts: Parts, hang_up_at: float) -> Stage:
    """The whole play, until the caller hangs up or the agent has said goodbye."""
    async with open_stage(parts) as stage, trio.open_nursery() as caller:
        caller.start_soon(speak_all, stage.asterisk)
        with trio.move_on_after(hang_up_at):
            await stage.ended.wait()
        caller.cancel_scope.cancel("the caller is gone")
        if not stage.ended.is_set():
            stage.asterisk.hang_up()
    return stage


async def hang_up(hang_up_at: float, parts: Parts) -> None:
    stage = await play(parts, hang_up_at)
    check_call(stage, voice_of(parts))
    assert stage.asterisk.closed_at is not None
    assert stage.over_at - stage.asterisk.closed_at <= LONGEST_END
    assert closed(stage).outcome in ("abandoned", "completed")
    assert stage.leg.marks.statistics().current_buffer_used == 0


async def test_the_undisturbed_play(autojump_clock: trio.testing.MockClock) -> None:
    """What the plays of this file end or disturb: everything a call can do is in it."""
    parts = rich_parts()
    stage = await play(parts, 60.0)
    check_call(stage, voice_of(parts))
    assert closed(stage).outcome == "completed"
    assert closed(stage).seconds < PLAY_SECONDS
    assert [(role, interrupted) for role, _, interrupted in said(stage)] == [
        ("agent", False),
        ("caller", False),
        ("agent", True),
        ("caller", False),
        ("agent", False),
        ("caller", False),
        ("agent", False),
    ]


@settings(max_examples=60, deadline=None)
@example(4, Delays(), True)  # a frame that the closed wire refuses was not heard
@given(st.integers(0, int(PLAY_SECONDS / 0.005)), delays, st.booleans())
def test_the_caller_hangs_up_at_any_moment(tick: int, delays: Delays, word_times: bool) -> None:
    run_virtual(hang_up, tick * 0.005, rich_parts(delays, word_times))
