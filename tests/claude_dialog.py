"""Claude by the real SDK against the stand-in, as the tests open and ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backends.dialog.claude import ClaudeDialog, open_dialog
from callengine.config import load_settings
from callengine.ports.reasoning import (
    END_CALL,
    TRANSFER,
    CallerSaid,
    HistoryItem,
    ReplyEvent,
    ReplyRequest,
    TextDelta,
)
from callengine.ports.tools import CallerContext, ToolSpec
from tests.messages_api import Act, MessagesApi
from tests.messages_api.server import KEY

FIND = ToolSpec("find", "Find goods.", {"properties": {"size": {"type": "string"}}})
OVERLOADED = Act(status=529)
PATIENT = {"CLAUDE_FIRST_TOKEN_SECONDS": "30", "CLAUDE_TURN_SECONDS": "60"}
IMPATIENT = {"CLAUDE_FIRST_TOKEN_SECONDS": "2.5", "CLAUDE_TURN_SECONDS": "60"}
FALLBACK = {"CLAUDE_FALLBACK_MODEL": "claude-sonnet-5-5"}


@asynccontextmanager
async def opened(api: MessagesApi, **variables: str) -> AsyncIterator[ClaudeDialog]:
    """Claude at the stand-in, patient unless told."""
    environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url, **PATIENT, **variables}
    async with open_dialog(load_settings(environ), None) as dialog:
        yield dialog


def asks(*history: HistoryItem) -> ReplyRequest:
    """A request with three tools; without a history for a "Hello"."""
    return ReplyRequest(
        "A tyre shop.", history or (CallerSaid("Hello"),), (FIND, END_CALL, TRANSFER), CallerContext("c", "en-GB")
    )


async def events_of(dialog: ClaudeDialog, request: ReplyRequest) -> list[ReplyEvent]:
    """All of a reply."""
    events: list[ReplyEvent] = []
    async with dialog.open_reply(request) as reply:
        while (event := await reply.receive()) is not None:
            events.append(event)
    return events


async def spoken(dialog: ClaudeDialog, request: ReplyRequest | None = None) -> str:
    """A reply's text, with `[…]` for the agent's own "one moment"."""
    events = await events_of(dialog, request or asks())
    return "".join(event.text if isinstance(event, TextDelta) else "[…]" for event in events)


def models(api: MessagesApi) -> list[str]:
    """Which models were asked, in their order."""
    return [received.json["model"] for received in api.received]
