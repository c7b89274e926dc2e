"""What a conversation's file expects, held against what came of it. Pure.

`exact` is for agents whose every word and call is known beforehand; a model is held to the facts alone, may look up
more than it must and earlier than it must, and finds its own words."""

import re
from collections.abc import Iterable, Sequence

from callengine.ports.journal import ToolRecorded
from tests.conversations.play import Played, TurnPlayed
from tests.conversations.script import Conversation, ToolExpected, Turn

_GROUPED = re.compile(r"(?<=\d)[ ,\u00a0\u202f](?=\d{3}(?!\d))")


def plain(text: str) -> str:
    """Text as it is compared: in small letters, without ё, one space for any white space, figures ungrouped."""
    return " ".join(_GROUPED.sub("", text).casefold().replace("ё", "е").split())


def says(text: str, wanted: str) -> bool:
    """One of the `|`-separated wordings is in the text."""
    return any(plain(wording) in plain(text) for wording in wanted.split("|"))


def problems(script: Conversation, played: Played, *, exact: bool) -> list[str]:
    """What is not as the file wants it, each in one line."""
    found: list[str] = []
    for at, turn in enumerate(script.turn):
        if at >= len(played.turns):
            found.append(f"turn.{at}: the call was over before it")
            break
        so_far = [tool for one in played.turns[: at + 1] for tool in one.tools]
        told = [
            *_words(turn, played.turns[at], exact),
            *(_exact_tools(turn, played.turns[at].tools) if exact else _some_tools(turn, so_far)),
            *_forbidden(turn, played.turns[at].tools),
            *_cut(script.turn[at + 1 : at + 2], played.turns[at], exact),
        ]
        found += [f"turn.{at}: {problem} (the agent said: {played.turns[at].words!r})" for problem in told]
    everything = " ".join((played.greeting, *(turn.words for turn in played.turns)))
    found += [f"never: {words!r} was said" for words in script.never if says(everything, words)]
    return found + _ending(script, played)


def _words(turn: Turn, played: TurnPlayed, exact: bool) -> Iterable[str]:
    for words in (*turn.facts, *(turn.says if exact else ())):
        if not says(played.words, words):
            yield f"{words!r} was not said"


def _exact_tools(turn: Turn, run: Sequence[ToolRecorded]) -> Iterable[str]:
    wanted = [(tool.name, dict(tool.arguments), tool.fails) for tool in turn.tools]
    got = [(tool.name, dict(tool.arguments), tool.is_error) for tool in run]
    if wanted != got:
        yield f"tools {got} were run, not {wanted}"


def _some_tools(turn: Turn, run: Sequence[ToolRecorded]) -> Iterable[str]:
    for tool in turn.tools:
        if not any(_answers(tool, done) for done in run):
            yield f"{tool.name} {dict(tool.arguments)} was not run"


def _answers(tool: ToolExpected, done: ToolRecorded) -> bool:
    return (done.name, done.is_error) == (tool.name, tool.fails) and tool.arguments.items() <= dict(
        done.arguments
    ).items()


def _forbidden(turn: Turn, run: Sequence[ToolRecorded]) -> Iterable[str]:
    for tool in run:
        if tool.name in turn.not_tools:
            yield f"{tool.name} was run, and must not be"


def _cut(following: Sequence[Turn], played: TurnPlayed, exact: bool) -> Iterable[str]:
    """The turn after this one says whether it cuts the agent off; a model may have been brief, and be done by then."""
    cuts = bool(following) and following[0].after is not None and following[0].cuts_off
    if played.cut_off and not cuts:
        yield "the agent was cut off"
    if cuts and not played.cut_off and exact:
        yield "the agent was not cut off"


def _ending(script: Conversation, played: Played) -> list[str]:
    wanted, end = script.ending, played.end
    by = "caller" if played.hung_up else "agent"
    got = (end.outcome, end.target, by)
    if got == (wanted.outcome, wanted.target, wanted.by):
        return []
    return [f"ending: the call ended as {got}, not as {(wanted.outcome, wanted.target, wanted.by)}"]
