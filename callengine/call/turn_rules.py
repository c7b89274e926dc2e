"""The turn-taking table: for every state and event that means something in it, what to do and where to go.

A pair that is not in `TABLE` changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from callengine.call.turn_events import (
    Action,
    AgentFinished,
    AgentStarted,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    Do,
    Event,
    LastWords,
    State,
    Tick,
)  # fmt: skip
from callengine.call.utterance import Utterance

if TYPE_CHECKING:
    from callengine.call.turns import Turns


# LISTENING


def _listening_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
    if not turns.utterance.digits:  # keys end a turn whatever is heard beside them
        turns.deadline = None
    return []


def _listening_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return turns.await_end(now)


def _listening_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    said = turns.utterance
    said.hear(event.text, event.ended, event.final, event.stability)
    if turns.speech_began is not None or not said.text:
        return []
    if said.paused is None:  # words without our own detector having heard a voice: trust the words
        said.began, said.paused = event.began, event.ended
    return turns.await_end(now)


def _listening_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPressed)
    turns.utterance.paused = now if turns.speech_began is None else None
    if event.digit == "#" and turns.utterance.text:
        return turns.answer(now)
    turns.utterance.press(event.digit, now)
    turns.deadline = now + turns.times.digit_pause
    return []


def _listening_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    if turns.utterance.paused is not None:
        return turns.await_end(now)
    if turns.utterance.digits:
        return turns.answer(now)
    turns.listen(now)
    return [Do.REPROMPT]


# THINKING


def _thinking_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.speech_began = event.began
    turns.deadline = event.began + turns.times.barge_in
    return []


def _thinking_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    if turns.speech_began is None or event.ended - turns.speech_began < turns.times.barge_in:
        turns.speech_began = turns.deadline = None
        return []
    actions = _thinking_tick(turns, event, now)
    return actions + _listening_paused(turns, event, now)


def _thinking_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """The caller goes on: what was said before and what comes now are one turn."""
    assert turns.speech_began is not None
    turns.take_back()
    turns.begin_utterance(turns.speech_began)
    return [Do.DROP_ANSWER]


def _thinking_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    """More words than were answered, of a speech too short for the detector's decision: the final alone counts."""
    assert isinstance(event, CallerHeard)
    if not (event.final and event.text.strip()):
        return []
    turns.take_back()
    if turns.speech_began is not None:
        turns.begin_utterance(turns.speech_began)
    else:
        turns.utterance.paused = event.ended
    return [Do.DROP_ANSWER, *_listening_heard(turns, event, now)]


def _thinking_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPressed)
    if event.digit == "#":  # it ends what is ended already
        return []
    turns.take_back()
    return [Do.DROP_ANSWER, *_listening_pressed(turns, event, now)]


def _agent_started(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.state, turns.deadline = State.SPEAKING, None
    if turns.speech_began is not None:
        turns.deadline = turns.speech_began + turns.times.barge_in
    return []


# SPEAKING


def _speaking_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    if turns.speech_began is None or event.ended - turns.speech_began < turns.times.barge_in:
        turns.speech_began = turns.deadline = None
        if turns.utterance.text:
            turns.utterance.paused = event.ended
        return []
    actions = _speaking_tick(turns, event, now)
    paused = _listening_paused if turns.state is State.LISTENING else _barge_in_paused
    return actions + paused(turns, event, now)


def _speaking_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """The decision: this is speech over the agent. Words will tell whether it was meant."""
    assert turns.speech_began is not None
    turns.begin_utterance(turns.speech_began)
    if turns.utterance.text:  # words came before the agent began: they were meant
        turns.state, turns.deadline = State.LISTENING, None
        return [Do.FLUSH]
    turns.state, turns.deadline = State.BARGE_IN, now + turns.times.words_wait
    return [Do.PAUSE]


def _speaking_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    """Words of a speech too short for the detector's decision, or not yet decided: the final alone counts."""
    assert isinstance(event, CallerHeard)
    if not (event.final and event.text.strip()):
        return []
    turns.utterance.began = event.began
    turns.utterance.hear(event.text, event.ended, event.final, event.stability)
    turns.utterance.paused = event.ended if turns.speech_began is None else None
    turns.state = State.LISTENING
    turns.deadline = None
    return [Do.FLUSH, *(turns.await_end(now) if turns.speech_began is None else [])]


def _speaking_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.state = State.LISTENING
    return [Do.FLUSH, *_listening_pressed(turns, event, now)]


def _agent_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.listen(now)
    if turns.speech_began is not None:
        turns.begin_utterance(turns.speech_began)
        turns.deadline = None
    elif turns.utterance.paused is not None:  # said before the agent began, and not answered yet
        return turns.await_end(now)
    return []


# BARGE_IN


def _barge_in_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    if not event.text.strip():
        return []
    turns.state, turns.deadline = State.LISTENING, None
    return [Do.FLUSH, *_listening_heard(turns, event, now)]


def _barge_in_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
    assert turns.deadline is not None
    # a second sound gets time for its words; a dog that barks on does not keep the agent silent for ever
    turns.deadline = max(turns.deadline, min(now + turns.times.words_wait / 2, _barge_in_limit(turns)))
    return []


def _barge_in_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    assert turns.deadline is not None
    began, times = turns.speech_began, turns.times
    if began is not None and event.ended - began >= times.words_wait / 2:
        # too long for a cough: the final of it is on its way
        turns.deadline = max(turns.deadline, min(event.ended + times.final_wait, _barge_in_limit(turns)))
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return []


def _barge_in_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    """The last frame was out when the pause came: the caller simply has the word, and the playout goes on empty."""
    turns.state, turns.deadline = State.LISTENING, None
    return [Do.RESUME, *(turns.await_end(now) if turns.utterance.paused is not None else [])]


def _barge_in_limit(turns: Turns) -> float:
    """The latest that words are waited for, whatever goes on sounding."""
    assert turns.utterance.began is not None
    return turns.utterance.began + 2 * turns.times.words_wait


def _barge_in_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """Nothing was recognised: a noise. The agent goes on where it stopped, but not into what is still being said."""
    if turns.speech_began is not None and now < (limit := _barge_in_limit(turns)):
        turns.deadline = limit
        return []
    turns.utterance = Utterance()
    turns.speech_began = None
    turns.state, turns.deadline = State.SPEAKING, None
    return [Do.RESUME]


# CLOSING


def _last_words(turns: Turns, event: Event, now: float) -> list[Action]:
    turns.state, turns.deadline = State.CLOSING, None
    return [Do.RESUME]


def _closing_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    return [Do.HANG_UP]


Rule = Callable[["Turns", Event, float], list[Action]]

TABLE: dict[tuple[State, type[Event]], Rule] = {
    (State.LISTENING, CallerBegan): _listening_began,
    (State.LISTENING, CallerPaused): _listening_paused,
    (State.LISTENING, CallerHeard): _listening_heard,
    (State.LISTENING, CallerPressed): _listening_pressed,
    (State.LISTENING, AgentStarted): _agent_started,
    (State.LISTENING, LastWords): _last_words,
    (State.LISTENING, Tick): _listening_tick,
    (State.THINKING, CallerBegan): _thinking_began,
    (State.THINKING, CallerPaused): _thinking_paused,
    (State.THINKING, CallerHeard): _thinking_heard,
    (State.THINKING, CallerPressed): _thinking_pressed,
    (State.THINKING, Tick): _thinking_tick,
    (State.THINKING, AgentStarted): _agent_started,
    (State.THINKING, AgentFinished): _agent_finished,
    (State.THINKING, LastWords): _last_words,
    (State.SPEAKING, CallerBegan): _thinking_began,
    (State.SPEAKING, CallerPaused): _speaking_paused,
    (State.SPEAKING, CallerHeard): _speaking_heard,
    (State.SPEAKING, CallerPressed): _speaking_pressed,
    (State.SPEAKING, Tick): _speaking_tick,
    (State.SPEAKING, AgentFinished): _agent_finished,
    (State.SPEAKING, LastWords): _last_words,
    (State.BARGE_IN, CallerBegan): _barge_in_began,
    (State.BARGE_IN, CallerPaused): _barge_in_paused,
    (State.BARGE_IN, CallerHeard): _barge_in_heard,
    (State.BARGE_IN, CallerPressed): _speaking_pressed,
    (State.BARGE_IN, Tick): _barge_in_tick,
    (State.BARGE_IN, AgentFinished): _barge_in_finished,
    (State.BARGE_IN, LastWords): _last_words,
    (State.CLOSING, AgentFinished): _closing_finished,
}
