"""The rules of turn-taking, each for one event in one state: what to do, and where to go from there. `turn_table` says
which is which."""

from callengine.call.turn_events import (
    Action,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    Do,
    Event,
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
    if turns.speech_began is not None or not said.text:
        return []
    if said.paused is None:  # words without our own detector having heard a voice: trust the words
        said.began, said.paused = event.began, event.ended
    return turns.await_end(now)


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


# THINKING


def thinking_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.speech_began = event.began
    turns.deadline = event.began + turns.times.barge_in
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
    turns.state, turns.deadline = State.SPEAKING, None
    if turns.speech_began is not None:
        turns.deadline = turns.speech_began + turns.times.barge_in
    return []


# SPEAKING


def speaking_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    if turns.speech_began is None or event.ended - turns.speech_began < turns.times.barge_in:
        turns.speech_began = turns.deadline = None
        if turns.utterance.text:
            turns.utterance.paused = event.ended
        return []
    actions = speaking_tick(turns, event, now)
    paused = listening_paused if turns.state is State.LISTENING else barge_in_paused
    return actions + paused(turns, event, now)


def speaking_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """The decision: this is speech over the agent. Words will tell whether it was meant."""
    assert turns.speech_began is not None
    turns.begin_utterance(turns.speech_began)
    if turns.utterance.text:  # words came before the agent began: they were meant
        turns.state, turns.deadline = State.LISTENING, None
        return [Do.FLUSH]
    turns.state, turns.deadline = State.BARGE_IN, now + turns.times.words_wait
    return [Do.PAUSE]


def speaking_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    """Words of a speech too short for the detector's decision, or not yet decided: the final alone counts."""
    assert isinstance(event, CallerHeard)
    if not (event.final and event.text.strip()):
        return []
    turns.utterance.began = event.began
    turns.utterance.hear(event.text, (event.began, event.ended), event.final, event.stability)
    turns.utterance.paused = event.ended if turns.speech_began is None else None
    turns.state = State.LISTENING
    turns.deadline = None
    return [Do.FLUSH, *(turns.await_end(now) if turns.speech_began is None else [])]


def speaking_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.state = State.LISTENING
    return [Do.FLUSH, *listening_pressed(turns, event, now)]


def agent_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.listen(now)
    if turns.speech_began is not None:
        turns.begin_utterance(turns.speech_began)
        turns.deadline = None
    elif turns.utterance.paused is not None:  # said before the agent began, and not answered yet
        return turns.await_end(now)
    return []


# BARGE_IN


def barge_in_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    if not event.text.strip():
        return []
    turns.state, turns.deadline = State.LISTENING, None
    return [Do.FLUSH, *listening_heard(turns, event, now)]


def barge_in_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
    assert turns.deadline is not None
    # a second sound gets time for its words; a dog that barks on does not keep the agent silent for ever
    turns.deadline = max(turns.deadline, min(now + turns.times.words_wait / 2, _barge_in_limit(turns)))
    return []


def barge_in_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    assert turns.deadline is not None
    began, times = turns.speech_began, turns.times
    if began is not None and event.ended - began >= times.words_wait / 2:
        # too long for a cough: the final of it is on its way
        turns.deadline = max(turns.deadline, min(event.ended + times.final_wait, _barge_in_limit(turns)))
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return []


def barge_in_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    """The last frame was out when the pause came: the caller simply has the word, and the playout goes on empty."""
    turns.state, turns.deadline = State.LISTENING, None
    return [Do.RESUME, *(turns.await_end(now) if turns.utterance.paused is not None else [])]


def _barge_in_limit(turns: Turns) -> float:
    """The latest that words are waited for, whatever goes on sounding."""
    assert turns.utterance.began is not None
    return turns.utterance.began + 2 * turns.times.words_wait


def barge_in_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """Nothing was recognised: a noise. The agent goes on where it stopped, but not into what is still being said."""
    if turns.speech_began is not None and now < (limit := _barge_in_limit(turns)):
        turns.deadline = limit
        return []
    turns.utterance = turns.utterance.next()
    turns.speech_began = None
    turns.state, turns.deadline = State.SPEAKING, None
    return [Do.RESUME]


# CLOSING


def last_words(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.state, turns.deadline = State.CLOSING, None
    return [Do.RESUME]


def closing_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    return [Do.HANG_UP]
