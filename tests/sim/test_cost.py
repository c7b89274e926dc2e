"""What calls have used: in the record by turn and in all, whatever becomes of turns, replies and streams."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
import trio
import trio.testing

from backends.dialog.fixed import FixedReply, ScriptedDialog
from backends.tts.scripted import ScriptedVoice
from callengine.call.timing import STAGES
from callengine.media.audio import RATE
from callengine.ports.journal import CallClosed, TurnRecorded
from callengine.ports.reasoning import Usage
from callengine.ports.usage import Bill, Used, added
from callengine.prices import load_prices
from callengine.voices import compose_voice
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.heard_play import Play
from tests.sim.positions import LIMITS, Fate, PlacingRecognizer

MODEL, VOICE = "claude-haiku-5-5", "google/Chirp3-HD"
READ, WRITTEN = Usage(MODEL, 20, 300, 40, prompt_tokens=360), Usage(MODEL, output_tokens=9, prompt_tokens=360)
TOKENS = Used("llm", MODEL, 0.0, 0, 20, 300, 40, 9)
SAID = "Да, есть зимние шины на любой вкус."


def turns(stage: Stage) -> list[TurnRecorded]:
    return [entry for entry in stage.journal.entries if isinstance(entry, TurnRecorded)]


def total(stage: Stage) -> Bill:
    [closed] = [entry for entry in stage.journal.entries if isinstance(entry, CallClosed)]
    assert closed.used is not None
    return closed.used


def of(service: str, bill: Bill) -> Used | None:
    return next((used for used in bill if used.service == service), None)


def summed(bills: Sequence[Bill]) -> Bill:
    bill: Bill = ()
    for one in bills:
        bill = added(bill, one)
    return bill


def parts(*replies: FixedReply) -> Parts:
    paid = compose_voice(ScriptedVoice(product=VOICE))
    return Parts(voice=paid, dialog=ScriptedDialog(replies, first_delay_seconds=0.4, delta_delay_seconds=0.05))


async def greeted(stage: Stage) -> None:
    await stage.asterisk.agent_speaks()
    await stage.asterisk.agent_silent()


async def asked(stage: Stage) -> None:
    await stage.asterisk.speak(1.5)
    await stage.asterisk.agent_speaks()
    await stage.asterisk.agent_silent()


async def test_use_and_stages_are_with_their_turns(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(parts([READ, SAID, WRITTEN])) as stage:
        await greeted(stage)
        await asked(stage)
        stage.asterisk.hang_up()
    greeting, caller, agent = turns(stage)
    assert (of("llm", greeting.used), of("tts", greeting.used)) == (None, None), "it was at hand"
    assert (of("llm", caller.used), of("tts", caller.used)) == (None, None)
    assert of("llm", agent.used) == TOKENS
    assert of("tts", agent.used) == Used("tts", VOICE, characters=len(SAID))
    heard = of("stt", caller.used)
    assert heard is not None and heard.seconds >= 1
    assert set(STAGES) | {"response"} <= set(agent.timings)
    assert agent.timings["first_token"] == pytest.approx(0.45, abs=0.01)
    assert agent.timings["first_sentence"] == pytest.approx(0.35, abs=0.01), "«Да,» is too short for a piece"
    by_turns = summed([turn.used for turn in turns(stage)])
    assert (of("llm", by_turns), of("tts", by_turns)) == (of("llm", total(stage)), of("tts", total(stage)))


async def test_what_was_said_before_costs_nothing_again(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(parts(SAID)) as stage:
        await greeted(stage)
        for _ in range(2):
            await asked(stage)
        stage.asterisk.hang_up()
    agent = [turn for turn in turns(stage) if turn.role == "agent"]
    assert [turn.text for turn in agent[1:]] == [SAID] * 2
    assert [of("tts", turn.used) is None for turn in agent] == [True, False, True]


async def test_a_turn_that_goes_on_keeps_what_it_has_used(autojump_clock: trio.testing.MockClock) -> None:
    """The first answer is dropped before a word of it was heard; its tokens were used all the same."""
    slow = ScriptedDialog(([READ, SAID, WRITTEN],), first_delay_seconds=3.0)
    async with open_stage(replace(parts(), dialog=slow)) as stage:
        await greeted(stage)
        await stage.asterisk.speak(1.5)
        await trio.sleep(2.0)
        await asked(stage)
        stage.asterisk.hang_up()
    bill = total(stage)
    requests, rest = divmod(of("llm", bill).output_tokens, 9)  # type: ignore[union-attr]
    assert (requests, rest) == (2, 0)
    assert summed([turn.used for turn in turns(stage)])[0] == bill[0]


async def test_a_call_nobody_spoke_in_has_used_its_recogniser(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(parts(SAID)) as stage:
        await greeted(stage)
        stage.asterisk.hang_up()
    [used] = total(stage)
    assert (used.service, used.product) == ("stt", "scripted")
    assert used.seconds == math.ceil(used.seconds) >= 1


def test_each_recogniser_is_paid_for_what_it_was_sent_replays_too() -> None:
    """Streams that break, that rotate and that move to the other one: by the samples that each stream took."""
    speech = [(RATE * at, RATE * (at + 2)) for at in (2, 8, 14, 30, 40, 55)]
    limits = replace(LIMITS, product="google/v2/chirp_3", max_seconds=20.0)
    chosen = PlacingRecognizer(speech, [Fate("breaks", 3.5 * RATE), Fate("hangs", RATE)], limits)
    fates = [Fate("breaks", 5.9 * RATE), Fate("breaks", 2.25 * RATE), Fate("breaks", 9.1 * RATE)]
    fallback = PlacingRecognizer(speech, fates, replace(limits, product="whisper"))
    play = Play(speech, (chosen, fallback))
    run_virtual(play.run)
    play.check()
    for recognizer in (chosen, fallback):
        billed = sum(math.ceil(stream.length / RATE) for stream in recognizer.streams)
        [used] = [used for used in play.meter.total if used.product == recognizer.limits.product]
        assert used.seconds == billed > 0
    assert min(len(chosen.streams), len(fallback.streams)) > 1
    assert sum(used.seconds for used in play.meter.total) > 60, "what was sent again was used again"


async def test_money_is_in_the_record_by_the_table(autojump_clock: trio.testing.MockClock) -> None:
    async with open_stage(replace(parts([READ, SAID, WRITTEN]), prices=load_prices(None))) as stage:
        await greeted(stage)
        await asked(stage)
        stage.asterisk.hang_up()
    agent = turns(stage)[-1]
    tokens, voice = of("llm", agent.used), of("tts", agent.used)
    assert tokens is not None and voice is not None
    assert tokens.usd == Decimal("0.0000145"), "2 + 3 + 5 + 4.5 millionths"
    assert voice.usd == len(SAID) * Decimal("0.00003")
