"""The states of a conversation, what turn-taking is told and what it asks for. Times are seconds on one clock."""

from dataclasses import dataclass
from enum import Enum, auto


class State(Enum):
    """Where a call's conversation stands."""

    LISTENING = auto()  # nobody or the caller speaks
    THINKING = auto()  # the caller's turn has ended, no answer is heard yet
    SPEAKING = auto()  # the agent is heard
    ANNOUNCING = auto()  # the agent is heard, and has to be to the end
    BARGE_IN = auto()  # the caller spoke over the agent, which has paused: words will tell
    CLOSING = auto()  # the last words are being said


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
class CallerUnheard:
    """What the caller said up to time `ended` waits for a recogniser that is away. Told again while it does."""

    ended: float


@dataclass(frozen=True, slots=True)
class CallerPressed:
    """A key."""

    digit: str


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """The first piece of an answer goes to the voice. `announces`: nothing interrupts it."""

    announces: bool = False


@dataclass(frozen=True, slots=True)
class AgentFinished:
    """The whole answer has been heard (or there was nothing to say). `asked`: it ended with a question."""

    asked: bool = False


@dataclass(frozen=True, slots=True)
class LastWords:
    """What is being said now is the last: the call ends when it has been heard."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The deadline has passed. `quiet`: the caller is said to be speaking, but at this moment nothing sounds. `owed`:
    the recogniser has yet to say what the caller said."""

    quiet: bool = False
    owed: bool = False


@dataclass(frozen=True, slots=True)
class PauseJudged:
    """The end-of-turn model: behind the words `text`, `seconds` of silence end the caller's turn."""

    text: str
    seconds: float


Event = (
    CallerBegan
    | CallerPaused
    | CallerHeard
    | CallerUnheard
    | CallerPressed
    | PauseJudged
    | AgentStarted
    | AgentFinished
    | LastWords
    | Tick
)


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
    ONE_MOMENT = auto()  # what the caller said is not understood yet, and may be for a while
    HANG_UP = auto()  # the last words have been heard


Action = Answer | CorrectRecord | Do
