"""Turn-taking under any order of events: what must hold whatever the caller, the recogniser and the agent do.

Time passes as in a call: ticks come at deadlines. The agent's events are those a dialog makes of the actions; the
caller's speech begins and pauses in turn, as the detector says it."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from callengine.call.turn_events import (
    Action,
    AgentFinished,
    AgentStarted,
    Answer,
    CallerBegan,
    CallerHeard,
    CallerPaused,
    CallerPressed,
    CallerUnheard,
    CorrectRecord,
    Do,
    Event,
    LastWords,
    PauseJudged,
    State,
    Tick,
)
from callengine.call.turn_table import feed
from callengine.call.turns import Turns, TurnTimes

TIMES = TurnTimes()
LONGEST_BARGE_IN = 2 * TIMES.words_wait + TIMES.barge_in + 1e-6


@dataclass
class Play:
    """One conversation. Checks the rules at every step."""

    now: float = 0.0
    turns: Turns = field(default_factory=Turns)
    did: list[Action] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # finals that were told
    speaking: bool = False  # the caller, to the detector
    last_heard: float = 0.0  # where the last final ended
    barged_at: float | None = None

    def feed(self, event: Event) -> list[Action]:
        before = self.turns.state
        actions = feed(self.turns, event, self.now)
        self.check(before, event, actions)
        self.did += actions
        return actions

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        ticks = 0
        while self.turns.deadline is not None and self.turns.deadline <= end:
            self.now = max(self.now, self.turns.deadline)
            self.feed(Tick())
            assert self.turns.deadline is None or self.turns.deadline > self.now, "a deadline in the past remains"
            ticks += 1
            assert ticks < 50 + seconds, "the table ticks without end"
        self.now = end

    def check(self, before: State, event: Event, actions: list[Action]) -> None:
        after = self.turns.state
        answers = [action for action in actions if isinstance(action, Answer)]
        assert len(answers) <= 1
        if answers:
            assert after is State.THINKING
            assert answers[0].text.strip()
            assert answers[0].speech_ended <= answers[0].pause_over or answers[0].pause_over == self.now
            # an answer in the making, or being heard, was taken back first
            if before is State.THINKING:
                assert Do.DROP_ANSWER in actions or isinstance(event, AgentFinished)
            if before in (State.SPEAKING, State.BARGE_IN):
                assert {Do.FLUSH, Do.RESUME} & set(actions) or isinstance(event, AgentFinished)
        elif after is State.THINKING:
            assert before is State.THINKING
        if before is State.CLOSING:
            assert after is State.CLOSING
            assert [a for a in actions if not isinstance(a, CorrectRecord)] in ([], [Do.HANG_UP])
        if before is State.BARGE_IN and after is not State.BARGE_IN:
            assert {Do.RESUME, Do.FLUSH} & set(actions), "the playout stays paused for ever"
        if after is State.BARGE_IN and before is not State.BARGE_IN:
            assert Do.PAUSE in actions
            self.barged_at = self.now
        if after is State.BARGE_IN:
            assert self.barged_at is not None
            assert self.turns.deadline is not None
            assert self.turns.deadline - self.barged_at <= LONGEST_BARGE_IN
        if after is State.LISTENING and self.turns.deadline is None:
            assert self.turns.speech_began is not None, "nobody speaks and nothing is waited for"


def told(word: int) -> str:
    return f"w{word}"


@st.composite
def plays(draw: st.DrawFn) -> Play:
    """A conversation of up to thirty events, each some time after the one before."""
    play = Play()
    play.feed(AgentStarted())
    for word in range(draw(st.integers(1, 30))):
        play.pass_time(draw(st.sampled_from((0.0, 0.05, 0.15, 0.3, 0.7, 1.5, 2.5, 9.0))))
        step(play, draw(st.sampled_from("vvvffffinukhsseelj" if word else "vf")), word)
    return play


def step(play: Play, kind: str, word: int) -> None:
    """One event of a kind, if it can come now."""
    now = play.now
    match kind:
        case "v" if play.speaking:
            play.speaking = False
            play.feed(CallerPaused(now - 0.128))
        case "v":
            play.speaking = True
            play.feed(CallerBegan(now - 0.064))
        case "f" if now - 0.02 > play.last_heard:
            began, play.last_heard = play.last_heard, now - 0.02
            if play.turns.state is not State.CLOSING:
                play.said.append(told(word))
            play.feed(CallerHeard(told(word), max(began, now - 1.0), play.last_heard, True))
        case "i":
            play.feed(CallerHeard("maybe", play.last_heard, now, False, 0.5))
        case "n" if now > play.last_heard:
            began, play.last_heard = play.last_heard, now
            play.feed(CallerHeard("", began, now, True))
        case "u" if not play.speaking:
            play.feed(CallerUnheard(now - 0.5))
        case "k" | "h":
            play.feed(CallerPressed("5" if kind == "k" else "#"))
        case _:
            step_of_ours(play, kind, word)


def step_of_ours(play: Play, kind: str, word: int) -> None:
    """One event of the agent's or the end-of-turn model's, if it can come now."""
    turns = play.turns
    match kind:
        case "j":
            play.feed(PauseJudged(turns.utterance.text, (0.2, 0.5, 3.0)[word % 3]))
        case "s" if turns.state in (State.THINKING, State.LISTENING):
            play.feed(AgentStarted())
        case "e" if turns.state is not State.LISTENING:
            play.feed(AgentFinished())
        case "l" if word % 5 == 4:
            play.feed(LastWords())
        case _:
            pass


@settings(max_examples=300, deadline=None)
@given(plays())
def test_no_order_of_events_breaks_a_rule(play: Play) -> None:
    assert Do.HANG_UP not in play.did or play.turns.state is State.CLOSING


@settings(max_examples=300, deadline=None)
@given(plays())
def test_no_word_is_lost(play: Play) -> None:
    """Once everyone has fallen silent, every final told is in an answer or in a corrected record."""
    if play.speaking:
        play.speaking = False
        play.feed(CallerPaused(play.now))
    play.pass_time(5.0)
    for _ in range(3):
        if play.turns.state in (State.SPEAKING, State.BARGE_IN, State.THINKING):
            play.feed(AgentFinished())
        play.pass_time(5.0)
    if any(action is Do.HANG_UP for action in play.did) or play.turns.state is State.CLOSING:
        return
    texts = " ".join(action.text for action in play.did if isinstance(action, Answer | CorrectRecord)).split()
    assert set(play.said) <= set(texts)


@given(plays())
def test_quiet_leaves_a_call_that_waits_for_something(play: Play) -> None:
    play.pass_time(5.0)
    turns = play.turns
    if turns.state is State.LISTENING:
        assert turns.deadline is not None or turns.speech_began is not None
    assert turns.state is not State.BARGE_IN
