"""A call's requests only grow, whatever the caller does and however late the recogniser knows what was said."""

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from callengine.ports.reasoning import AgentSaid, CallerSaid, Misheard
from tests.sim.any_call import AnyCall, Deed, answered_calls
from tests.sim.bursts import DIALOGS, Burst, bursts_of_speech, hold, parts_for
from tests.sim.call import run_virtual
from tests.sim.checks import turns
from tests.sim.echoing import EchoingDialog
from tests.sim.prefixes import check_prefixes
from tests.sim.test_any_call import GOES_ON, check_all, play

# Of a question of 0.6 s two words of three are known when it is answered, 1.6 s behind its end; the third 1.2 s later.
INTERIM_EVERY, FINAL_DELAY = 0.3, 2.4
MISHEARD = replace(
    GOES_ON,
    deeds=(Deed(2.5, "says", 0.6), Deed(8.0, "says", 1.0)),
    words=("long",),
    first_delay=0.0,
    interims=INTERIM_EVERY,
    final_delay=FINAL_DELAY,
)


def late(call: AnyCall) -> AnyCall:
    return replace(call, interims=INTERIM_EVERY, final_delay=FINAL_DELAY)


async def play_and_check_prefixes(call: AnyCall) -> None:
    heard = await play(call)
    check_all(heard)
    check_prefixes([request for _, request in heard.dialog.asked])


@settings(max_examples=20, deadline=None)
@example(MISHEARD)
@example(replace(MISHEARD, words=("look and order", "short"), read_seconds=2.9))
@example(replace(MISHEARD, deeds=(Deed(2.5, "says", 0.6), Deed(1.9, "says", 0.6), Deed(1.0, "murmurs", 0.4))))
@given(
    st.one_of(
        answered_calls("short", "long", "look", "order", "look and order"), answered_calls("long", "look").map(late)
    )
)
def test_each_request_begins_as_the_one_before(call: AnyCall) -> None:
    run_virtual(play_and_check_prefixes, call)


async def begin_ahead(bursts: list[Burst], dialog: EchoingDialog) -> None:
    dialog.asked.clear()
    await hold(parts_for(bursts, dialog, on=True), bursts)
    check_prefixes([asked.request for asked in dialog.asked])


@settings(max_examples=20, deadline=None)
@given(bursts_of_speech(), DIALOGS)
def test_also_where_replies_are_begun_ahead(bursts: list[Burst], dialog: EchoingDialog) -> None:
    """What was discarded is held against nothing; what served keeps the signs of the interim that it was begun for."""
    run_virtual(begin_ahead, bursts, dialog)


def test_a_late_final_is_told_behind_what_was_sent() -> None:
    async def play_it() -> None:
        heard = await play(MISHEARD)
        check_all(heard)
        (_, first), (_, second) = heard.dialog.asked
        assert first.history[-1] == CallerSaid("есть зимние")
        kinds = [item for item in second.history if not isinstance(item, AgentSaid)]
        assert kinds == [CallerSaid("есть зимние"), Misheard("есть зимние", "есть зимние шины?"), kinds[-1]]
        assert next(turn.text for turn in turns(heard.stage) if turn.role == "caller") == "есть зимние шины?"

    run_virtual(play_it)
