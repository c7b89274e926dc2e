"""Who speaks when: the state of a call's turn-taking. Pure; time comes in as `now`, wishes go out as actions.

Everything that moves a call from one state to another is in `turn_table`; here is what its rules share. Times are
seconds on one clock; a wait is a `deadline`, and a `Tick` is fed when it has passed."""

from dataclasses import dataclass, field

from callengine.call.turn_events import Action, Answer, CallerHeard, PauseJudged, State
from callengine.call.turn_words import Tail, TurnWords
from callengine.call.utterance import Utterance


@dataclass(frozen=True, slots=True)
class TurnTimes:
    """The waits of turn-taking, in seconds."""

    barge_in: float = 0.2  # speech over the agent shorter than this is a cough
    quiet_look: float = 0.032  # where it may be over already, when to look again: a window of the detector
    echo_guard: float = 0.3  # speech that begins so early in an answer may be the agent's own echo:
    echo_barge_in: float = 0.4  # it has to be longer
    end_pause: float = 0.5  # a pause this long may end the caller's turn
    trailing_pause: float = 1.2  # where the words say that more is to come
    number_pause: float = 1.0  # within a number that is being dictated
    yes_no_pause: float = 0.3  # after a whole answer to a question of the agent's
    longest_turn: float = 30.0  # of speech without a pause: a television; or somebody who must be helped out
    final_wait: float = 1.6  # after a pause, how long the recogniser's final is waited for
    rest_wait: float = 3.0  # the same while what is heard so far does not reach the pause
    words_wait: float = 1.8  # after a barge-in pause, how long for words before the agent goes on
    murmur_wait: float = 0.25  # after a back-channel, how long for words that are meant
    murmur_answers: float = 1.5  # a back-channel this close before a question's end answers it
    owed_look: float = 1.0  # where words are owed after no_input, when to look again
    unheard_wait: float = 2.0  # after a pause, where the recogniser is away, when the caller is told to wait
    unheard_again: float = 6.0
    unheard_hold: float = 1.5  # told again within that, the recogniser is still away
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
    words: TurnWords = field(default_factory=TurnWords)
    murmur: Utterance | None = None  # a back-channel over the agent: nothing, unless the agent ends with a question
    murmur_told: float = 0.0  # when it was recognised
    talks_on: bool = False  # the speech that was answered in its middle goes on still
    judged: PauseJudged | None = None  # by the end-of-turn model; for exactly these words it goes before the table
    asked: bool = False  # the agent's last turn ended with a question
    speaks_since: float = float("-inf")  # when the agent's answer began
    unheard_until: float = float("-inf")  # words wait for a recogniser: no turn ends before
    told_to_wait: float = float("-inf")  # when the caller was

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
        """The caller speaks since `began`: the turn begins, or goes on."""
        self.speech_began = began
        self.utterance.began = began if self.utterance.began is None else self.utterance.began
        self.utterance.paused = None

    def listen(self, now: float) -> None:
        """The caller has the word, and is asked again where they say nothing."""
        self.state, self.talks_on = State.LISTENING, False
        self.deadline = now + self.times.no_input

    def answer(self, now: float) -> list[Action]:
        """End the caller's turn with what is known of it."""
        said, pause = self.utterance, self.pause
        said.paused = ended = said.paused if said.paused is not None else now
        self.answered, self.utterance = said, said.next()
        self.state, self.deadline, self.speech_began, self.judged = State.THINKING, None, None, None
        return [Answer(said.text, ended, min(now, ended + pause))]

    def take_back(self) -> None:
        """The turn just answered goes on: what was said before and what comes now are one."""
        final_end = self.final_end
        self.answered.go_on(self.utterance)
        self.utterance, self.answered = self.answered, Utterance()
        self.utterance.final_end = final_end
        self.state, self.deadline, self.talks_on = State.LISTENING, None, False

    def note_murmur(self, heard: CallerHeard, now: float) -> None:
        """Only a back-channel, so far; what is said over the agent and meant comes behind it."""
        self.murmur_told = now
        self.murmur = self.utterance.next()
        self.murmur.began, self.murmur.paused = heard.began, heard.ended
        self.murmur.hear(heard.text, (heard.began, heard.ended), True, heard.stability)
        if heard.final:
            self.utterance.final_end = max(self.utterance.final_end, heard.ended)

    @property
    def pause(self) -> float:
        """How long the caller's silence has to be to end the turn, by the words so far."""
        times = self.times
        if self.utterance.digits:  # keys have a pause of their own
            return times.end_pause
        if self.judged is not None and self.judged.text == self.utterance.text:
            return self.judged.seconds
        match self.words.tail(self.utterance.text):
            case Tail.TRAILING:
                return times.trailing_pause
            case Tail.NUMBER:
                return times.number_pause
            case Tail.YES_NO if self.asked:
                return times.yes_no_pause
            case _:
                return times.end_pause

    @property
    def barge_in_at(self) -> float:
        """When the caller's speech over the agent has been long enough to be meant."""
        assert self.speech_began is not None
        # the detector dates speech back by up to 0.1 s
        early = -0.1 <= self.speech_began - self.speaks_since < self.times.echo_guard
        return self.speech_began + (self.times.echo_barge_in if early else self.times.barge_in)

    def await_end(self, now: float) -> list[Action]:
        """The caller has paused: answer, or set the deadline at which to look again."""
        said, times = self.utterance, self.times
        assert said.paused is not None
        pause_over = max(said.paused + self.pause, said.pressed + times.digit_pause)
        if now < pause_over:
            self.deadline = pause_over
            return []
        if said.complete or said.digits:
            return self.answer(now)
        if now < self.unheard_until:
            self.deadline = self.unheard_until
            return []
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
