"""What was said and heard in a call. An agent's turn enters once, from the frames that went out (DESIGN 4.6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from callengine.call.turn_words import split_words
from callengine.ports.reasoning import AgentSaid, CallerSaid, HistoryItem, Misheard
from callengine.ports.synthesis import WordMark
from callengine.ports.tools import ToolCall, ToolResult

SAMPLES_PER_CHARACTER = 500  # 16 characters a second: brisk speech


@dataclass(slots=True)
class Piece:
    """One piece of the agent's speech: its text and where it lies in the playout, in samples.

    `end` grows while the voice still makes it; `complete` once it is whole."""

    text: str
    begin: int
    end: int
    words: tuple[WordMark, ...] = ()
    complete: bool = False
    filler: bool = False


def heard_text(pieces: Sequence[Piece], played: int) -> str:
    """The text of the pieces whose frames went out, up to sample `played` of the playout."""
    parts = (_heard_of(piece, played) for piece in pieces)
    return " ".join(part for part in parts if part)


def _heard_of(piece: Piece, played: int) -> str:
    if piece.complete and played >= piece.end:
        return piece.text
    heard = played - piece.begin
    if heard <= 0:
        return ""
    if piece.words:
        begun = [word.start for word in piece.words if word.position < heard]
        if not begun:
            return ""
        following = piece.text.find(" ", max(begun))
        return piece.text if following < 0 else piece.text[:following].rstrip()
    length = max(piece.end - piece.begin, 1)
    if not piece.complete:  # how long it will be is not known yet
        length = max(length, len(piece.text) * SAMPLES_PER_CHARACTER)
    characters = int(len(piece.text) * min(heard / length, 1.0))
    return piece.text[: characters + 1].rpartition(" ")[0].rstrip()


def last_said(history: Sequence[HistoryItem]) -> str:
    """What the caller heard of the agent last; empty before there was anything."""
    return next((item.text for item in reversed(history) if isinstance(item, AgentSaid)), "")


@dataclass(slots=True)
class History:
    """The items a dialog backend is given."""

    items: list[HistoryItem] = field(default_factory=list)
    written: set[str] = field(default_factory=set)  # ids of the calls that changed the Store

    def caller(self, text: str) -> None:
        """The caller's turn has ended."""
        self.items.append(CallerSaid(text))

    def take_back(self) -> None:
        """The caller goes on speaking: the newest turn, and what was looked up for it, will come again whole.

        What was written for it stays: it has been done, and must not be done again."""
        for index in range(len(self.items) - 1, -1, -1):
            if isinstance(self.items[index], CallerSaid):
                self.items[index:] = [item for item in self.items[index:] if self._is_written(item)]
                return

    def correct_caller(self, text: str) -> None:
        """A late final: the newest turn of the caller really was `text`. A dialog has been told of it already, so it is
        told anew, where it is not the same words but for signs and case."""
        for item in reversed(self.items):
            if isinstance(item, CallerSaid | Misheard):
                told, known = (item.told, item.said) if isinstance(item, Misheard) else (item.text, item.text)
                if split_words(known) != split_words(text):
                    self.items.append(Misheard(told, text))
                return

    def tools(self, place: int, done: Sequence[tuple[ToolCall, ToolResult]], written: Sequence[str] = ()) -> None:
        """Tools were run that were asked for when the history had `place` items: the caller may have gone on since.

        `written`: the ids of those that changed the Store, or may have."""
        self.items[place:place] = [item for pair in done for item in pair]
        self.written.update(written)

    def agent(self, text: str, interrupted: bool) -> None:
        """What the caller heard of the agent's turn; nothing heard is nothing said."""
        if text:
            self.items.append(AgentSaid(text, interrupted))

    def _is_written(self, item: HistoryItem) -> bool:
        return isinstance(item, ToolCall | ToolResult) and item.id in self.written
