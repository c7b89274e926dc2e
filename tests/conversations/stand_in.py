"""The answers of a Claude that keeps to a conversation's file, in their order. Pure."""

from callengine.ports.reasoning import END_CALL, TRANSFER
from tests.conversations.script import Conversation, Turn
from tests.conversations.verdicts import says
from tests.messages_api import Act, Tool


def acts_of(script: Conversation) -> list[Act]:
    """One act for each request: the tools of a turn, then its words; the last ends the call where the agent does."""
    acts: list[Act] = []
    answered = [turn for turn in script.turn if turn.answered]
    for at, turn in enumerate(answered, 1):
        if turn.tools:
            acts.append(Act("", tuple(Tool(tool.name, tool.arguments) for tool in turn.tools)))
        acts.append(Act(words_of(turn), _last_tools(script) if at == len(answered) else ()))
    return acts


def words_of(turn: Turn) -> str:
    """What is said in a turn: the file's words for Claude, or the scripted agent's, and every fact among them."""
    words = turn.claude or " ".join(turn.says)
    facts = [fact.split("|")[0] for fact in turn.facts if not says(words, fact)]
    return " ".join(filter(None, (words, *facts))) or "Хорошо."


def _last_tools(script: Conversation) -> tuple[Tool, ...]:
    ending = script.ending
    if ending.by == "caller" or not script.turn[-1].answered:
        return ()
    if ending.outcome == "transferred":
        return (Tool(TRANSFER.name, {"target": ending.target}),)
    return (Tool(END_CALL.name),)
