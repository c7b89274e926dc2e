"""Who speaks when: the state of a call's turn-taking. Pure; time comes in as `now`, wishes go out as actions.

Everything that moves a call from one state to another is in `turn_table`; here is what its rules share. Times are
seconds on one clock; a wait is a `deadline`, and a `Tick` is fed when it has passed."""

from dataclasses import dataclass, field

from callengine.call.turn_events import Action, Answer, State
from callengine.call.utterance import Utterance


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """The waits of turn-taking, in seconds."""

    barge_in: float = 0.2  # speech over the agent shorter than this is a cough
    quiet_look: float = 0.032  # where it may be over already, when to look again: a window of the detector
    end_pause: float = 0.5  # a pause this long may end the caller's turn
    final_wait: float = 1.6  # after a pause, how long the recogniser's final is waited for
    rest_wait: float = 3.0  # the same while what is heard so far does not reach the pause
    words_wait: float = 1.8  # after a barge-in pause, how long for words before the agent goes on
    owed_look: float = 1.0  # where words are owed after no_input, when to look again
    no_input: float = 8.0
    digit_pause: float = 2.0


@dataclass(slots=True)
class Turns:
    """The state of one conversation. `turn_table.feed` is the only way in."""

    times: TurnTimes = field(default_factory=TurnTimes)
    state: State = State.LISTENING
    deadline: float | None = None
    utterance: Utterance = field(default_factory=Utterance)
    answered: Utterance = field(default_factory=Utterance)  # the turn last answered, for late finals
    speech_began: float | None = None  # while the caller is speaking

    @property
    def spoken_since(self) -> bool:
        """The caller has spoken since the turn last answered."""
        return self.speech_began is not None or self.utterance.began is not None

    @property
    def final_end(self) -> float:
        """Finals cover the caller's audio up to here."""
        return max(self.utterance.final_end, self.answered.final_end)

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
        said.paused = ended = said.paused if said.paused is not None else now
        self.answered, self.utterance = said, said.next()
        self.state, self.deadline, self.speech_began = State.THINKING, None, None
        return [Answer(said.text, ended, min(now, ended + self.times.end_pause))]

    def take_back(self) -> None:
        """The turn just answered goes on: what was said before and what comes now are one."""
        final_end = self.final_end
        self.utterance, self.answered = self.answered, Utterance()
        self.utterance.final_end = final_end
        self.state, self.deadline = State.LISTENING, None

    def await_end(self, now: float) -> list[Action]:
        """The caller has paused: answer, or set the deadline at which to look again."""
        said, times = self.utterance, self.times
        assert said.paused is not None
        pause_over = max(said.paused + times.end_pause, said.pressed + times.digit_pause)
        if now < pause_over:
            self.deadline = pause_over
            return []
        if said.complete or said.digits:
            return self.answer(now)
        # half a sentence is worse than a wait: an interim that stops short of the end gives the final more time
        wait = times.rest_wait if said.text and not said.covered else times.final_wait
        if now < said.paused + wait:
            self.deadline = said.paused + wait
            return []
        if said.text:
            return self.answer(now)
        self.utterance = said.next()  # a noise: nothing was recognised
        self.listen(now)
        return []
