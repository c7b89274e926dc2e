"""Claude as the dialog, by Anthropic's SDK, which runs on Trio as it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import structlog
import trio
from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from anthropic.types import ModelInfo

from backends.addresses import CLAUDE
from backends.dialog.claude_faults import FAULTS, fault_of
from backends.dialog.claude_manner import LANGUAGES, manner
from backends.dialog.claude_prompt import Limits, ModelTraits
from backends.dialog.claude_reply import Item, Making, Models
from callengine.errors import ConfigError, ReasoningError
from callengine.ports.bridge import Bridge
from callengine.ports.reasoning import Reply, ReplyEvent, ReplyRequest

CHECK_SECONDS = 10.0
# A caller's turns are some ten seconds apart: the connection of one is still there for the next.
KEPT_SECONDS = 120.0
CONNECTIONS = httpx2.Limits(max_connections=1000, max_keepalive_connections=200, keepalive_expiry=KEPT_SECONDS)
_EVENTS_OF_A_TOKEN = 4  # room for every event of three attempts
_OTHER_EVENTS = 256

log = structlog.get_logger(__name__)


class ClaudeReply:
    """The port's `Reply`."""

    def __init__(self, events: trio.MemoryReceiveChannel[Item]) -> None:
        self._events = events

    async def receive(self) -> ReplyEvent | None:
        try:
            item = await self._events.receive()
        except trio.EndOfChannel:
            return None
        if isinstance(item, ReasoningError):
            raise item
        return item


class ClaudeDialog:
    """The port's `Dialog`. What each model takes is learnt from the API by `check`."""

    def __init__(self, client: AsyncAnthropic, names: tuple[str, str], effort: str, limits: Limits) -> None:
        self._client = client
        self._url = str(client.base_url).rstrip("/")
        self._create = client.messages.with_streaming_response.create  # it imports, while there are no calls yet
        self._names = names
        self._effort = effort
        self._limits = limits
        self._traits = {name: ModelTraits(name) for name in names if name}

    async def check(self) -> None:
        for name, setting in zip(self._names, ("CLAUDE_MODEL", "CLAUDE_FALLBACK_MODEL"), strict=True):
            if name:
                self._traits[name] = _traits_of(await self._look_up(name, setting), name, setting, self._effort)

    async def _look_up(self, name: str, setting: str) -> ModelInfo:
        try:
            with trio.fail_after(CHECK_SECONDS):
                return await self._client.models.retrieve(name)
        except trio.TooSlowError:
            raise ReasoningError(
                f"Claude at {self._url} gave no answer in {CHECK_SECONDS:g} s", retryable=True
            ) from None
        except FAULTS as error:
            fault = fault_of(error, self._url, name)
            blamed = setting if fault.setting == "CLAUDE_MODEL" else fault.setting or "ANTHROPIC_BASE_URL"
            raise ReasoningError(str(fault), retryable=fault.retryable, setting=blamed) from error

    @asynccontextmanager
    async def open_reply(self, request: ReplyRequest) -> AsyncIterator[Reply]:
        main, fallback = self._names
        models = Models(self._url, self._create, self._traits[main], self._traits.get(fallback), self._limits)
        room = self._limits.max_tokens * _EVENTS_OF_A_TOKEN + _OTHER_EVENTS
        sending, receiving = trio.open_memory_channel[Item](room)
        failed: ReasoningError | None = None
        with receiving:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Making(models, request, sending).run)
                try:
                    yield ClaudeReply(receiving)
                except ReasoningError as error:  # the port's error is no group, though a nursery lies between
                    failed = error
                nursery.cancel_scope.cancel("the reply has been left")
        if failed is not None:
            raise failed


def _traits_of(info: ModelInfo, name: str, setting: str, effort: str) -> ModelTraits:
    if info.lifecycle == "retired":
        raise ReasoningError(f"the model {name!r} is retired", retryable=False, setting=setting)
    if info.lifecycle == "deprecated":
        log.warning("claude_model_deprecated", model=name, retires=str(info.retires_at or "some day"))
    can = info.capabilities
    if can is None:
        return ModelTraits(name)
    level = getattr(can.effort, effort, None)
    takes_level = can.effort.supported and level is not None and level.supported
    return ModelTraits(name, can.thinking.types.disabled.supported, effort if takes_level else "")


@asynccontextmanager
async def open_dialog(settings: Any, bridge: Bridge | None) -> AsyncIterator[ClaudeDialog]:
    """The entry point `claude`. Raises ConfigError."""
    if settings.anthropic_api_key is None:
        raise ConfigError("ANTHROPIC_API_KEY", "is not set, and the dialog is Claude's (DIALOG_BACKEND=claude)")
    for language in LANGUAGES:
        manner(language)  # read now: while calls are up nothing may hold the loop for the milliseconds it takes
    limits = Limits(
        settings.claude_max_tokens,
        settings.claude_history_tokens,
        settings.claude_first_token_seconds,
        settings.claude_turn_seconds,
    )
    # Retries and deadlines are `Making`'s: the SDK's own know nothing of a caller who waits.
    async with AsyncAnthropic(
        api_key=settings.anthropic_api_key.get_secret_value(),
        base_url=settings.anthropic_base_url or CLAUDE,
        max_retries=0,
        timeout=settings.claude_turn_seconds,
        http_client=DefaultAsyncHttpxClient(limits=CONNECTIONS),
    ) as client:
        names = (settings.claude_model, settings.claude_fallback_model)
        yield ClaudeDialog(client, names, settings.claude_effort, limits)
