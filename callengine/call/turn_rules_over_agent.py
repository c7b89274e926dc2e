"""The rules of turn-taking while the agent is heard: what stops it, what only pauses it, and what it speaks on over."""

from callengine.call.turn_events import (
    Action,
    AgentFinished,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    Do,
    Event,
    State,
    Tick,
)  # fmt: skip
from callengine.call.turn_rules import listening_heard, listening_paused, listening_pressed
from callengine.call.turns import Turns

# SPEAKING


def speaking_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    if not _long_enough(turns, event.ended):
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
    turns.murmur = None
    if turns.utterance.text:  # words came before the agent began: they were meant
        turns.state, turns.deadline = State.LISTENING, None
        return [Do.FLUSH]
    turns.state, turns.deadline = State.BARGE_IN, now + turns.times.words_wait
    return [Do.PAUSE]


def _long_enough(turns: Turns, ended: float) -> bool:
    """The speech that ended then was no cough (nor the agent's own echo)."""
    if turns.speech_began is None:
        return False
    return ended >= turns.barge_in_at


def speaking_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    """Words of a speech too short for the detector's decision, or not yet decided: the final alone counts."""
    assert isinstance(event, CallerHeard)
    if not (event.final and event.text.strip()):
        return []
    if turns.words.only_listens(event.text):
        turns.note_murmur(event, now)
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
    assert isinstance(event, AgentFinished)
    turns.listen(now)
    turns.asked = event.asked
    murmur, turns.murmur = turns.murmur, None
    if turns.speech_began is not None:
        turns.begin_utterance(turns.speech_began)
        turns.deadline = None
    elif turns.utterance.paused is not None:  # said before the agent began, and not answered yet
        return turns.await_end(now)
    elif event.asked and murmur is not None and now - (murmur.paused or now) <= turns.times.murmur_answers:
        turns.utterance = murmur  # «да» to a question that was not quite at its end
        return turns.await_end(now)
    return []


# BARGE_IN


def barge_in_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    if not event.text.strip():
        return []
    if turns.words.only_listens(event.text):
        turns.note_murmur(event, now)
        if event.final and turns.speech_began is None:
            return _go_on(turns)
        assert turns.deadline is not None
        turns.deadline = min(turns.deadline, now + turns.times.murmur_wait)
        return []
    turns.murmur = None
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
    if turns.murmur is not None:  # an interim may be behind: a word that is meant gets a moment more
        turns.deadline = max(now, turns.murmur_told + times.murmur_wait)
    elif began is not None and event.ended - began >= times.words_wait / 2:
        # too long for a cough: the final of it is on its way
        turns.deadline = max(turns.deadline, min(event.ended + times.final_wait, _barge_in_limit(turns)))
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return []


def barge_in_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    """The last frame was out when the pause came: the caller simply has the word, and the playout goes on empty."""
    assert isinstance(event, AgentFinished)
    turns.state, turns.deadline, turns.asked = State.LISTENING, None, event.asked
    if turns.murmur is not None and turns.speech_began is None:  # behind the last word it is an answer
        turns.utterance, turns.murmur = turns.murmur, None
    return [Do.RESUME, *(turns.await_end(now) if turns.utterance.paused is not None else [])]


def _barge_in_limit(turns: Turns) -> float:
    """The latest that words are waited for, whatever goes on sounding."""
    assert turns.utterance.began is not None
    return turns.utterance.began + 2 * turns.times.words_wait


def barge_in_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """Nothing was recognised: a noise. The agent goes on where it stopped, but not into what is still being said."""
    assert isinstance(event, Tick)
    over = event.quiet and turns.murmur is not None
    if turns.speech_began is not None and not over and now < (limit := _barge_in_limit(turns)):
        turns.deadline = limit
        return []
    return _go_on(turns)


def _go_on(turns: Turns) -> list[Action]:
    turns.utterance = turns.utterance.next()
    turns.speech_began = None
    turns.state, turns.deadline = State.SPEAKING, None
    return [Do.RESUME]


# ANNOUNCING: what has to be heard whole (a consent, a legal phrase). The caller's words wait.


def announcing_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
    return []


def announcing_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return []


def announcing_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    said = turns.utterance
    said.hear(event.text, (event.began, event.ended), event.final, event.stability)
    if said.paused is None and turns.speech_began is None and said.text:
        said.began, said.paused = event.began, event.ended
    return []


def announcing_pressed(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPressed)
    turns.utterance.press(event.digit, now)
    turns.utterance.paused = now if turns.speech_began is None else None
    return []
