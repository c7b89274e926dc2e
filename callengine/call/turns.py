"""Who speaks when: the turn-taking table of a call. Pure; time comes in as `now`, wishes go out as actions.

Everything that moves a call from one state to another is in `TABLE` below. Times are seconds on the caller of this
module's clock; a wait is a `deadline`, and `Tick` is fed when it has passed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from callengine.call.utterance import Utterance


class State(Enum):
    """Where a call's conversation stands."""

    LISTENING = auto()  # nobody or the caller speaks
    THINKING = auto()  # the caller's turn has ended, no answer is heard yet
    SPEAKING = auto()  # the agent is heard
    BARGE_IN = auto()  # the caller spoke over the agent, which has paused: words will tell
    CLOSING = auto()  # the last words are being said


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """The waits of turn-taking, in seconds."""

    barge_in: float = 0.2  # speech over the agent shorter than this is a cough
    end_pause: float = 0.5  # a pause this long may end the caller's turn
    final_wait: float = 1.6  # after a pause, how long the recogniser's final is waited for
    words_wait: float = 1.8  # after a barge-in pause, how long for words before the agent goes on
    no_input: float = 8.0
    digit_pause: float = 2.0


# What happens


@dataclass(frozen=True, slots=True)
class CallerBegan:
    """Confirmed speech, begun at time `began`."""

    began: float


@dataclass(frozen=True, slots=True)
class CallerPaused:
    """The caller's speech ended at time `ended`."""

    ended: float


@dataclass(frozen=True, slots=True)
class CallerHeard:
    """A transcript of audio from time `began` to `ended`."""

    text: str
    began: float
    ended: float
    final: bool
    stability: float = 1.0


@dataclass(frozen=True, slots=True)
class CallerPressed:
    """A key."""

    digit: str


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """The first piece of an answer goes to the voice."""


@dataclass(frozen=True, slots=True)
class AgentFinished:
    """The whole answer has been heard (or there was nothing to say)."""


@dataclass(frozen=True, slots=True)
class LastWords:
    """What is being said now is the last: the call ends when it has been heard."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline has passed."""


Event = CallerBegan | CallerPaused | CallerHeard | CallerPressed | AgentStarted | AgentFinished | LastWords | Tick


# What is to be done


@dataclass(frozen=True, slots=True)
class Answer:
    """The caller's turn has ended with `text`: think of an answer. `speech_ended` is when the caller fell silent."""

    text: str
    speech_ended: float
    pause_over: float


@dataclass(frozen=True, slots=True)
class CorrectRecord:
    """A late final: the caller's last turn really was `text`."""

    text: str


class Do(Enum):
    """Actions without more to say."""

    DROP_ANSWER = auto()  # cancel the answer being thought of: the caller goes on
    PAUSE = auto()  # stop the playout, keep the rest
    RESUME = auto()  # go on where it paused
    FLUSH = auto()  # stop the playout, drop the rest: the caller has the word
    REPROMPT = auto()  # nobody has said anything for a while
    HANG_UP = auto()  # the last words have been heard


Action = Answer | CorrectRecord | Do


@dataclass(slots=True)
class Turns:
    """The state of one conversation. `feed` is the only way in."""

    times: TurnTimes = field(default_factory=TurnTimes)
    state: State = State.LISTENING
    deadline: float | None = None
    utterance: Utterance = field(default_factory=Utterance)
    answered: Utterance = field(default_factory=Utterance)  # the turn last answered, for late finals
    speech_began: float | None = None  # while the caller is speaking

    def feed(self, event: Event, now: float) -> list[Action]:
        """Take one event; returns what is to be done, in order."""
        if isinstance(event, CallerHeard) and self.answered.covers(event.began, event.ended, event.final):
            changed = event.final and self.answered.correct(event.text)
            return [CorrectRecord(self.answered.text)] if changed else []
        rule = TABLE.get((self.state, type(event)))
        return rule(self, event, now) if rule is not None else []

    # Shared steps

    def begin_utterance(self, began: float) -> None:
        self.speech_began = began
        self.utterance.began = began if self.utterance.began is None else self.utterance.began
        self.utterance.paused = None

    def listen(self, now: float) -> None:
        self.state = State.LISTENING
        self.deadline = now + self.times.no_input

    def answer(self, now: float) -> list[Action]:
        """End the caller's turn with what is known of it."""
        said = self.utterance
        self.answered, self.utterance = said, Utterance()
        self.state, self.deadline = State.THINKING, None
        ended = said.paused if said.paused is not None else now
        return [Answer(said.text, ended, min(now, ended + self.times.end_pause))]

    def await_end(self, now: float) -> list[Action]:
        """The caller has paused: answer, or set the deadline at which to look again."""
        said, times = self.utterance, self.times
        assert said.paused is not None
        pause_over = said.paused + times.end_pause
        if now < pause_over:
            self.deadline = pause_over
            return []
        if said.text and (said.complete or now >= said.paused + times.final_wait):
            return self.answer(now)
        if now < said.paused + times.final_wait:
            self.deadline = said.paused + times.final_wait
            return []
        self.utterance = Utterance()  # a noise: nothing was recognised
        self.listen(now)
        return []


# LISTENING


def _listening_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
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
    if event.digit == "#" and turns.utterance.text:
        turns.utterance.paused = now
        return turns.answer(now)
    turns.utterance.press(event.digit)
    turns.utterance.paused = now
    turns.deadline = now + turns.times.digit_pause
    return []


def _listening_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    if turns.utterance.digits:
        return turns.answer(now)
    if turns.utterance.paused is not None:
        return turns.await_end(now)
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
    turns.utterance, turns.answered = turns.answered, Utterance()
    turns.begin_utterance(turns.speech_began)
    turns.state, turns.deadline = State.LISTENING, None
    return [Do.DROP_ANSWER]


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
        return []
    actions = _speaking_tick(turns, event, now)
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return actions


def _speaking_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """The decision: this is speech over the agent. Words will tell whether it was meant."""
    assert turns.speech_began is not None
    turns.begin_utterance(turns.speech_began)
    turns.state, turns.deadline = State.BARGE_IN, now + turns.times.words_wait
    return [Do.PAUSE]


def _speaking_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    """Words of a speech too short for the detector's decision, or not yet decided: the final alone counts."""
    assert isinstance(event, CallerHeard)
    if not (event.final and event.text):
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
    return []


# BARGE_IN


def _barge_in_heard(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerHeard)
    if not event.text:
        return []
    turns.state, turns.deadline = State.LISTENING, None
    return [Do.FLUSH, *_listening_heard(turns, event, now)]


def _barge_in_began(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerBegan)
    turns.begin_utterance(event.began)
    turns.deadline = max(turns.deadline or now, now + turns.times.words_wait / 2)
    return []


def _barge_in_paused(turns: Turns, event: Event, now: float) -> list[Action]:
    assert isinstance(event, CallerPaused)
    turns.speech_began = None
    turns.utterance.paused = event.ended
    return []


def _barge_in_finished(turns: Turns, event: Event, now: float) -> list[Action]:
    """The last frame was out when the pause came: the caller simply has the word."""
    turns.state, turns.deadline = State.LISTENING, None
    return turns.await_end(now) if turns.utterance.paused is not None else []


def _barge_in_tick(turns: Turns, event: Event, now: float) -> list[Action]:
    """Nothing was recognised: a noise. The agent goes on where it stopped."""
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


Rule = Callable[[Turns, Event, float], list[Action]]

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
