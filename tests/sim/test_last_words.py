"""A call that is cut off by its node's leaving: silence where another node goes on, a goodbye where none does."""

import pytest
import trio
import trio.testing

from backends.tts.scripted import ScriptedVoice
from tests.sim.asterisk import SimulatedAsterisk
from tests.sim.call import Parts, run_virtual
from tests.sim.engine import Line, Play, State, open_play


async def cut_off(*, alone: bool, gone: bool = False) -> tuple[Play, float, State]:
    """A call that is up and quiet when its node leaves; with `gone` its caller hangs up in the goodbye. The moment of
    leaving, too."""
    state = State()
    async with open_play(Parts(voice=ScriptedVoice()), Line(SimulatedAsterisk()), state=state) as play:
        await play.asterisk.agent_speaks()
        await play.asterisk.agent_silent()
        play.engine.alone = alone
        play.call.cancel("draining")
        at = trio.current_time()
        if gone:
            await trio.sleep(0.5)
            play.asterisk.hang_up()
    return play, at, state


def spoken_after(play: Play, at: float) -> int:
    """Frames of speech that went out later."""
    return sum(message.speech for message in play.asterisk.sent if message.at > at + 0.02)


async def check_handed_over() -> None:
    play, at, state = await cut_off(alone=False)
    assert spoken_after(play, at) == 0
    assert play.line.word == "retry"
    assert state.journal.entries[-1].outcome == "handed_over"  # type: ignore[union-attr]


async def check_told() -> None:
    play, at, state = await cut_off(alone=True)
    assert spoken_after(play, at) > 10
    assert play.line.word == "apologised"
    assert set(state.registry.outcomes.values()) == {"apologised"}
    assert set(state.registry.checkpoints.values()) == {""}, "nobody goes on with it"


async def check_gone() -> None:
    play, at, _ = await cut_off(alone=True, gone=True)
    assert spoken_after(play, at) > 0
    assert play.asterisk.closed_at is None or play.asterisk.closed_at < at + 2


async def check_ended_before() -> None:
    """A call that has ended of itself has had its goodbye."""
    async with open_play(Parts(), Line(SimulatedAsterisk())) as play:
        await play.asterisk.agent_speaks()
        play.engine.alone = True
        await play.engine.hang_up(play.asterisk.uuid)
        at = trio.current_time()
    assert spoken_after(play, at) == 0
    assert play.line.word == "hangup"


@pytest.mark.parametrize("check", [check_handed_over, check_told, check_gone, check_ended_before])
def test_what_a_caller_hears_of_a_node_that_leaves(check: object) -> None:
    run_virtual(check)  # type: ignore[arg-type]
