"""What holds for every call, whoever calls and whatever fails: no dead air, one turn at a time, nothing said that is
not in the history, no order placed twice, one end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import trio
from hypothesis import HealthCheck, example, given, settings

from callengine.call.filler import AGAIN_SECONDS, SILENCE_SECONDS
from callengine.call.turns import TurnTimes
from callengine.ports.reasoning import AgentSaid, CallerSaid
from tests.conftest import CollectErrors
from tests.sim.any_call import FILLERS, AnyCall, AnyDialog, Deed, SlowShop, answered_calls, calls, live, open_parts
from tests.sim.call import Stage, open_stage, run_virtual
from tests.sim.checks import check_call, check_heard, check_record, check_wire, closed, turns
from tests.sim.plays import AGENT
from tests.sim.stamped import Spoken, StampedVoice, read_stamp, spoken

TIMES = TurnTimes()
SLACK = 0.2  # a window of the detector, frames, the way through the tasks
VOICE_SECONDS = 0.5  # the slowest voice of these calls
# After what the caller has said: the longest pause of the table, then a filler, which may be behind a slow voice.
ANSWER_SECONDS = TIMES.rest_wait + SILENCE_SECONDS + VOICE_SECONDS + SLACK
# Between two sounds of an answer: a filler is followed by the next.
WITHIN_SECONDS = AGAIN_SECONDS + VOICE_SECONDS + SLACK
# When nobody has the word: the agent asks again; a noise is listened to first.
SILENCE_LIMIT = TIMES.no_input + TIMES.rest_wait + VOICE_SECONDS + SLACK


@dataclass
class Heard:
    """A call that was played."""

    call: AnyCall
    stage: Stage
    voice: StampedVoice
    dialog: AnyDialog
    shop: SlowShop
    sounds: list[tuple[float, float]]


async def play(call: AnyCall) -> Heard:
    shop = SlowShop(list(call.store), honours=False, read_seconds=call.read_seconds)
    dialog = AnyDialog(call)
    async with open_parts(call, shop, dialog) as parts:
        assert isinstance(parts.voice, StampedVoice)
        sounds: list[tuple[float, float]] = []
        async with open_stage(parts) as stage, trio.open_nursery() as caller:
            caller.start_soon(live, call, stage, sounds)
            await stage.ended.wait()
            caller.cancel_scope.cancel("the call is over")
        return Heard(call, stage, parts.voice, dialog, shop, sounds)


def check_history(heard: Heard) -> None:
    """What the dialog is told of the agent is what the caller has heard by then, but for this very answer's fillers."""
    for at, request in heard.dialog.asked:
        if not isinstance(request.history[-1], CallerSaid):
            continue
        told = [word for item in request.history if isinstance(item, AgentSaid) for word in item.text.split()]
        parts = spoken_until(heard, at)
        words = [word for part in parts for word in part.words]
        while parts and len(words) > len(told) and parts[-1].text in FILLERS:
            parts.pop()
            words = [word for part in parts for word in part.words]
        assert told == words, f"at {at:.2f}"


def spoken_until(heard: Heard, at: float) -> list[Spoken]:
    frames = [message for message in heard.stage.asterisk.frames() if message.at <= at]
    return spoken([message.payload for message in frames], heard.voice.texts)


def check_turns(heard: Heard) -> None:
    """One answer is made at a time, and the agent's turns follow one another."""
    assert heard.dialog.most_open <= 1
    agent = [turn for turn in turns(heard.stage) if turn.role == "agent"]
    for one, other in pairwise(agent):
        assert one.ended <= other.started + 0.021, (one, other)


def check_silence(heard: Heard) -> None:
    """No silence of the line is longer than its limit."""
    began, over = heard.stage.leg.began, heard.stage.over_at
    agent = [m.at for m in heard.stage.asterisk.frames() if read_stamp(m.payload) is not None]
    marks = sorted([*((at, at) for at in agent), *heard.sounds, (over, over)])
    end = min(agent, default=over)
    for since, until in marks:
        assert since - end <= SILENCE_LIMIT, f"silence from {end:.2f} to {since:.2f}"
        end = max(end, until)
    for turn in turns(heard.stage):
        if turn.role == "caller":
            ended = began + turn.ended
            after = min((since for since, _ in marks if since > ended), default=over)
            assert after - ended <= ANSWER_SECONDS, f"no answer from {ended:.2f} to {after:.2f}"
        else:
            check_answer(agent, heard.sounds, (began + turn.started - 0.021, began + turn.ended + 0.021))


def check_answer(agent: list[float], sounds: list[tuple[float, float]], turn: tuple[float, float]) -> None:
    """No silence between two frames of an answer is too long; one in which the caller is to be heard is none."""
    said = [at for at in agent if turn[0] <= at <= turn[1]]
    for one, other in pairwise(said):
        marks = [
            (one, one),
            *((since, until) for since, until in sounds if one < until and since < other),
            (other, other),
        ]
        for before, after in pairwise(sorted(marks)):
            assert after[0] - before[1] <= WITHIN_SECONDS, (
                f"silence in an answer from {before[1]:.2f} to {after[0]:.2f}"
            )


def check_orders(heard: Heard) -> None:
    """The Store, which honours no key, has the order once at most."""
    assert len(heard.shop.done) <= 1


def check_all(heard: Heard) -> None:
    check_call(heard.stage, heard.voice)  # with its one end
    check_history(heard)
    check_turns(heard)
    check_silence(heard)
    check_orders(heard)


async def play_and_check(call: AnyCall) -> None:
    check_all(await play(call))


IN_MID_ORDER = AnyCall(
    deeds=(Deed(2.5, "says", 0.6), Deed(1.2, "says", 0.6)),
    stays=10.0,
    words=("order", "short"),
    first_delay=0.0,
    word_delay=0.0,
    final_delay=0.0,
    interims=0.0,
    breaks_after=None,
    voice_delay=0.0,
    read_seconds=2.9,
    store=("slow",),
)
# What the properties are about must be among the calls, however few are drawn.
ORDERS_AGAIN = replace(IN_MID_ORDER, deeds=(Deed(2.5, "says", 0.6),) * 3, words=("order",), store=())
GOES_ON = replace(IN_MID_ORDER, words=("long",), first_delay=2.0, store=())
INTERRUPTS = replace(GOES_ON, deeds=(Deed(2.5, "says", 0.6), Deed(3.5, "says", 1.0)), first_delay=0.0, word_delay=0.2)


@settings(max_examples=30, deadline=None)
@example(IN_MID_ORDER)
@example(ORDERS_AGAIN)
@example(GOES_ON)
@example(INTERRUPTS)
@given(answered_calls("short", "long", "look", "order", "look and order", "delayed", "end", "transfer"))
def test_whoever_calls(call: AnyCall) -> None:
    run_virtual(play_and_check, call)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=calls("fault", "short", "order"))
def test_whatever_becomes_of_the_dialog(call: AnyCall, error_logs: CollectErrors) -> None:
    """A dialog that fails ends the call with an apology, which is in no history; all else holds as ever."""
    run_virtual(play_with_fault, call, error_logs)


async def play_with_fault(call: AnyCall, error_logs: CollectErrors, *checks: Callable[[Heard], None]) -> None:
    heard = await play(call)
    failed = closed(heard.stage).outcome == "failed"
    assert failed is any("call_failed" in text for text in error_logs.texts)
    error_logs.texts.clear()
    check_wire(heard.stage)
    check_record(heard.stage)
    check_heard(heard.stage, heard.voice, unrecorded=(AGENT.apology,))
    check_history(heard)
    check_turns(heard)
    check_orders(heard)
    for check in checks:
        check(heard)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(call=replace(IN_MID_ORDER, words=("looks",), first_delay=2.0))
@example(call=replace(IN_MID_ORDER, words=("nothing",)))
@given(call=calls("nothing", "looks", "order", "short"))
def test_a_dialog_without_words_leaves_nobody_in_silence(call: AnyCall, error_logs: CollectErrors) -> None:
    """It ends its answers without a word, or looks up for ever; in the end the call fails, and that is told, too."""
    run_virtual(play_with_fault, call, error_logs, check_silence)


def test_who_goes_on_in_mid_order_is_not_left_in_silence() -> None:
    """The next answer has to wait for what was sent: 3 s for the Store, and the look-up after it."""

    async def play_it() -> None:
        heard = await play(IN_MID_ORDER)
        check_all(heard)
        (*_, (_, last)) = heard.sounds
        agent = [m.at for m in heard.stage.asterisk.frames() if read_stamp(m.payload) is not None and m.at > last]
        assert agent[0] - last <= TIMES.end_pause + SILENCE_SECONDS + SLACK
        assert len(heard.shop.writes) == 1

    run_virtual(play_it)
