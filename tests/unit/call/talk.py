"""A conversation played by hand against the turn-taking table, and the states most tests begin in."""

from dataclasses import dataclass, field

from callengine.call.turn_events import (
    Action,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    Do,
    Event,
    State,
    Tick,
)
from callengine.call.turn_table import feed
from callengine.call.turns import Turns, TurnTimes

TIMES = TurnTimes()


@dataclass
class Talk:
    """A conversation played by hand; `until` passes time, ticking at deadlines."""

    now: float = 0.0
    turns: Turns = field(default_factory=Turns)

    def at(self, now: float, event: Event) -> list[Action]:
        """What follows an event at a time, ticks before it included."""
        actions = self.until(now)
        return actions + feed(self.turns, event, now)

    def until(self, now: float) -> list[Action]:
        actions: list[Action] = []
        while self.turns.deadline is not None and self.turns.deadline <= now:
            self.now = max(self.now, self.turns.deadline)
            actions += feed(self.turns, Tick(), self.now)
        self.now = now
        return actions

    @property
    def state(self) -> State:
        return self.turns.state


def final(text: str, began: float, ended: float) -> CallerHeard:
    return CallerHeard(text, began, ended, True)


def interim(text: str, began: float, ended: float, stability: float = 0.9) -> CallerHeard:
    return CallerHeard(text, began, ended, False, stability)


def thinking() -> Talk:
    """The caller said "шины" from 1.0 to 2.0; its answer is being thought of since 2.5."""
    talk = Talk()
    assert talk.at(1.1, CallerBegan(1.0)) == []
    assert talk.at(2.1, CallerPaused(2.0)) == []
    assert talk.at(2.2, final("шины", 1.0, 2.0)) == []
    assert talk.until(2.5) == [Answer("шины", 2.0, 2.5)]
    assert talk.state is State.THINKING
    return talk


def speaking() -> Talk:
    """The answer is heard since 3.0."""
    talk = thinking()
    assert talk.at(3.0, AgentStarted()) == []
    assert talk.state is State.SPEAKING
    return talk


def barged_in() -> Talk:
    """The caller speaks over the answer since 4.0; the playout is paused since 4.2."""
    talk = speaking()
    assert talk.at(4.1, CallerBegan(4.0)) == []
    assert talk.until(4.2) == [Do.PAUSE]
    assert talk.state is State.BARGE_IN
    return talk
