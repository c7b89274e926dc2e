"""The rules of turn-taking, each for one event in one state: what to do, and where to go from there. `turn_table` says
which is which."""

from callengine.call.turn_events import (
    Action,
    AgentStarted,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    CallerUnheard,
    Do,
    Event,
    PauseJudged,
    State,
    Tick,
)  # fmt: skip
from callengine.call.turns import Turns

# LISTENING


def listening_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
    if not turns.utterance.digits:  # keys end a turn whatever is heard beside them
        turns.deadline = None
    return []


def listening_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return turns.await_end(now)


def listening_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    said = turns.utterance
    said.hear(event.text, (event.began, event.ended), event.final, event.stability)
    if turns.speech_began is not None and event.final and _too_long(turns, event.ended):
        actions = turns.answer(now)
        turns.talks_on, turns.speech_began = True, event.ended
        return actions
    if turns.speech_began is not None or not said.text:
        return []
    if said.paused is None:  # words without our own detector having heard a voice: trust the words
        said.began, said.paused = event.began, event.ended
    return turns.await_end(now)


def _too_long(turns: Turns, ended: float) -> bool:
    """Speech without a pause, up to a final: what is known of it is answered, or a television would never be."""
    began = turns.utterance.began
    return bool(turns.utterance.text) and began is not None and ended - began >= turns.times.longest_turn


def listening_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPressed)
    turns.utterance.paused = now if turns.speech_began is None else None
    if event.digit == "#" and turns.utterance.text:
        return turns.answer(now)
    turns.utterance.press(event.digit, now)
    turns.deadline = now + turns.times.digit_pause
    return []


def listening_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    if turns.utterance.paused is not None:
        return turns.await_end(now)
    if turns.utterance.digits:
        return turns.answer(now)
    assert isinstance(event, Tick)
    if event.owed:  # nobody is asked whether they are there who has just spoken
        turns.deadline = now + turns.times.owed_look
        return []
    turns.listen(now)
    return [Do.REPROMPT]


def listening_judged(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, PauseJudged)
    said = turns.utterance
    if event.text != said.text or said.paused is None or turns.speech_began is not None:
        return []  # it is about a pause that is over
    turns.judged = event
    return turns.await_end(now)


def caller_unheard(turns: Turns, event: Event, now: float) -> list[Action]:
    """Words wait for a recogniser: the turn stays open for them, and nobody is left in silence meanwhile."""
    assert isinstance(event, CallerUnheard)
    turns.unheard_until = now + turns.times.unheard_hold
    due = max(event.ended + turns.times.unheard_wait, turns.told_to_wait + turns.times.unheard_again)
    if turns.state is not State.LISTENING or turns.speech_began is not None or now < due:
        return []
    turns.told_to_wait = now
    return [Do.ONE_MOMENT]


# THINKING


def thinking_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.speech_began = event.began
    turns.deadline = turns.barge_in_at
    return []


def thinking_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    if turns.speech_began is None or event.ended - turns.speech_began < turns.times.barge_in:
        turns.speech_began = turns.deadline = None
        return []
    actions = thinking_tick(turns, event, now)
    return actions + listening_paused(turns, event, now)


def thinking_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """The caller goes on: what was said before and what comes now are one turn."""
    assert turns.speech_began is not None
    turns.take_back()
    turns.begin_utterance(turns.speech_began)
    return [Do.DROP_ANSWER]


def thinking_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    """More words than were answered, of a speech too short for the detector's decision: the final alone counts."""
    assert isinstance(event, CallerHeard)
    if not (event.final and event.text.strip()):
        return []
    turns.take_back()
    if turns.speech_began is not None:
        turns.begin_utterance(turns.speech_began)
    else:
        turns.utterance.paused = event.ended
    return [Do.DROP_ANSWER, *listening_heard(turns, event, now)]


def thinking_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPressed)
    if event.digit == "#":  # it ends what is ended already
        return []
    turns.take_back()
    return [Do.DROP_ANSWER, *listening_pressed(turns, event, now)]


def agent_started(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, AgentStarted)
    turns.state, turns.deadline = State.ANNOUNCING if event.announces else State.SPEAKING, None
    turns.speaks_since, turns.asked, turns.murmur = now, False, None
    if turns.speech_began is not None and not (event.announces or turns.talks_on):
        turns.deadline = turns.barge_in_at
    return []


# CLOSING


def last_words(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.state, turns.deadline = State.CLOSING, None
    return [Do.RESUME]


def closing_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    return [Do.HANG_UP]
