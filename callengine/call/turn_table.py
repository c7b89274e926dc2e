"""The turn-taking table: for every state and event that means something in it, the rule. A pair that is not in `TABLE`
changes nothing."""

from collections.abc import Callable

from callengine.call import turn_rules as rules
from callengine.call import turn_rules_over_agent as over
from callengine.call.turn_events import (
    Action,
    AgentFinished,
    AgentStarted,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    CallerUnheard,
    CorrectRecord,
    Event,
    LastWords,
    PauseJudged,
    State,
    Tick,
)
from callengine.call.turns import Turns

Rule = Callable[[Turns, Event, float], list[Action]]

TABLE: dict[tuple[State, type[Event]], Rule] = {
    (State.LISTENING, CallerBegan): rules.listening_began,
    (State.LISTENING, CallerPaused): rules.listening_paused,
    (State.LISTENING, CallerHeard): rules.listening_heard,
    (State.LISTENING, CallerUnheard): rules.caller_unheard,
    (State.LISTENING, CallerPressed): rules.listening_pressed,
    (State.LISTENING, PauseJudged): rules.listening_judged,
    (State.LISTENING, AgentStarted): rules.agent_started,
    (State.LISTENING, LastWords): rules.last_words,
    (State.LISTENING, Tick): rules.listening_tick,
    (State.THINKING, CallerBegan): rules.thinking_began,
    (State.THINKING, CallerPaused): rules.thinking_paused,
    (State.THINKING, CallerHeard): rules.thinking_heard,
    (State.THINKING, CallerPressed): rules.thinking_pressed,
    (State.THINKING, Tick): rules.thinking_tick,
    (State.THINKING, AgentStarted): rules.agent_started,
    (State.THINKING, AgentFinished): over.agent_finished,
    (State.THINKING, LastWords): rules.last_words,
    (State.SPEAKING, CallerBegan): rules.thinking_began,
    (State.SPEAKING, CallerPaused): over.speaking_paused,
    (State.SPEAKING, CallerHeard): over.speaking_heard,
    (State.SPEAKING, CallerUnheard): rules.caller_unheard,
    (State.SPEAKING, CallerPressed): over.speaking_pressed,
    (State.SPEAKING, Tick): over.speaking_tick,
    (State.SPEAKING, AgentFinished): over.agent_finished,
    (State.SPEAKING, LastWords): rules.last_words,
    (State.ANNOUNCING, CallerBegan): over.announcing_began,
    (State.ANNOUNCING, CallerPaused): over.announcing_paused,
    (State.ANNOUNCING, CallerHeard): over.announcing_heard,
    (State.ANNOUNCING, CallerPressed): over.announcing_pressed,
    (State.ANNOUNCING, AgentFinished): over.agent_finished,
    (State.ANNOUNCING, LastWords): rules.last_words,
    (State.BARGE_IN, CallerBegan): over.barge_in_began,
    (State.BARGE_IN, CallerPaused): over.barge_in_paused,
    (State.BARGE_IN, CallerHeard): over.barge_in_heard,
    (State.BARGE_IN, CallerPressed): over.speaking_pressed,
    (State.BARGE_IN, Tick): over.barge_in_tick,
    (State.BARGE_IN, AgentFinished): over.barge_in_finished,
    (State.BARGE_IN, LastWords): rules.last_words,
    (State.CLOSING, AgentFinished): rules.closing_finished,
}


def feed(turns: Turns, event: Event, now: float) -> list[Action]:
    """Take one event; returns what is to be done, in order. A `Tick` before its deadline is none."""
    if isinstance(event, Tick) and (turns.deadline is None or now < turns.deadline):
        return []
    if isinstance(event, Tick) and event.quiet and turns.state in (State.THINKING, State.SPEAKING):
        # the detector says only later that speech is over: a knock is not yet speech over the agent
        turns.deadline = now + turns.times.quiet_look
        return []
    if isinstance(event, CallerHeard) and event.ended <= turns.final_end:
        return []  # a stream that began anew says what has been said, or an interim is late
    if isinstance(event, CallerHeard) and turns.answered.covers(event.began, event.ended, turns.spoken_since):
        changed = event.final and turns.answered.correct(event.text, (event.began, event.ended))
        return [CorrectRecord(turns.answered.text)] if changed else []
    if turns.talks_on and turns.state in (State.THINKING, State.SPEAKING):
        return _talked_on(turns, event, now)
    rule = TABLE.get((turns.state, type(event)))
    return rule(turns, event, now) if rule is not None else []


def _talked_on(turns: Turns, event: Event, now: float) -> list[Action]:
    """Speech that was answered in its middle stops no answer; what it says is kept until the agent has finished."""
    match event:
        case CallerHeard():
            turns.utterance.hear(event.text, (event.began, event.ended), event.final, event.stability)
            return []
        case CallerPaused(ended=ended):
            turns.talks_on, turns.speech_began = False, None
            turns.utterance.paused = ended if turns.utterance.text else None
            return []
        case _:
            rule = TABLE.get((turns.state, type(event)))
            return rule(turns, event, now) if rule is not None else []
