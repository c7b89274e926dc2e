"""Conversations as data files (README.md), held by the scripted agent and by Claude's backend over real HTTP.

Claude's is the stand-in, which says what the file wants: the road is the real one. With ANTHROPIC_API_KEY the real
Claude holds them too, and a judge reads what was said."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from anthropic import AsyncAnthropic

from backends.dialog.claude import ClaudeDialog, open_dialog
from backends.dialog.scripted import ShopDialog
from callengine.config import load_settings
from tests.claude_dialog import PATIENT
from tests.conversations.judge import judge
from tests.conversations.outside import FIRST_WORD_SECONDS, WORD_SECONDS, OutsideDialog, OutsideToolbox, PlayTime
from tests.conversations.play import Played, play
from tests.conversations.script import Conversation, parse
from tests.conversations.stand_in import acts_of
from tests.conversations.verdicts import problems
from tests.messages_api import MessagesApi, open_messages_api
from tests.messages_api.server import KEY
from tests.shop import open_shop
from tests.state_servers import running
from tests.store_child import running_store

pytestmark = pytest.mark.integration

FILES = sorted(Path(__file__).parent.glob("*.toml"))
SCRIPTS = {path.stem: parse(path.read_text(encoding="utf-8"), path.name) for path in FILES}
KEY_OF_OURS = os.environ.get("ANTHROPIC_API_KEY", "")


def named(dialog: str) -> list[str]:
    """The conversations that a dialog can hold."""
    return [name for name, script in SCRIPTS.items() if dialog in script.dialogs]


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, str]]:
    """A demo Store, and one that is down."""
    with running_store() as well, running_store("", "--fault", "down") as away:
        yield {"well": well, "away": away}


async def hold_scripted(script: Conversation, store: str, time: PlayTime) -> Played:
    async with open_shop(store, language=script.language) as toolbox:
        return await play(script, ShopDialog(FIRST_WORD_SECONDS, WORD_SECONDS), OutsideToolbox(toolbox, time))


async def hold_with_claude(script: Conversation, store: str, time: PlayTime, **settings: str) -> Played:
    async with opened_claude(**settings) as claude, open_shop(store, language=script.language) as toolbox:
        return await play(script, OutsideDialog(claude, time), OutsideToolbox(toolbox, time))


@asynccontextmanager
async def opened_claude(**settings: str) -> AsyncIterator[ClaudeDialog]:
    async with open_dialog(load_settings(settings), None) as dialog:
        yield dialog


@pytest.mark.parametrize("name", named("scripted"))
def test_with_the_scripted_agent(name: str, stores: dict[str, str]) -> None:
    script, clock = SCRIPTS[name], trio.testing.MockClock(autojump_threshold=0)
    played = trio.run(hold_scripted, script, stores[script.store], PlayTime(clock), clock=clock)
    found = problems(script, played, exact=True)
    assert not found, told(found, played)


@pytest.mark.parametrize("name", named("claude"))
def test_with_claudes_backend_and_a_stand_in(name: str, stores: dict[str, str], tmp_path: Path) -> None:
    script, clock = SCRIPTS[name], trio.testing.MockClock(autojump_threshold=0)
    acts = acts_of(script)
    apis: list[MessagesApi] = []

    @asynccontextmanager
    async def open_stand_in(_folder: Path) -> AsyncIterator[str]:
        async with open_messages_api(acts) as api:
            apis.append(api)
            yield api.url

    async def hold(url: str) -> Played:
        settings = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url, **PATIENT}
        return await hold_with_claude(script, stores[script.store], PlayTime(clock), **settings)

    with running(open_stand_in, tmp_path) as url:
        played = trio.run(hold, url, clock=clock)
    found = problems(script, played, exact=True)
    assert not found, told(found, played)
    assert len(apis[0].received) == len(acts)


@pytest.mark.may_skip  # no server is missing, but a key
@pytest.mark.skipif(not KEY_OF_OURS, reason="ANTHROPIC_API_KEY is not set: the real Claude is not asked")
@pytest.mark.parametrize("name", named("claude"))
def test_with_claude_and_a_judge(name: str, stores: dict[str, str]) -> None:
    script, clock = SCRIPTS[name], trio.testing.MockClock(autojump_threshold=0)

    async def hold() -> Played:
        ours = {name: value for name, value in os.environ.items() if name.startswith(("ANTHROPIC_", "CLAUDE_"))}
        return await hold_with_claude(script, stores[script.store], PlayTime(clock), **{**ours, **PATIENT})

    played = trio.run(hold, clock=clock)
    found = problems(script, played, exact=False) + trio.run(judged, script, played)
    assert not found, told(found, played)


def told(found: list[str], played: Played) -> str:
    """What is wrong, and the conversation."""
    return "\n".join((*found, *(f"{role}: {words}" for role, words in played.transcript)))


async def judged(script: Conversation, played: Played) -> list[str]:
    """What the judge finds wanting. CLAUDE_JUDGE_MODEL: who judges, where it is not the model that was judged."""
    model = os.environ.get("CLAUDE_JUDGE_MODEL") or load_settings({}).claude_model
    async with AsyncAnthropic() as client:
        verdicts = [await judge(client, model, played.transcript, criterion) for criterion in script.judge]
    return [f"judge: {one.criterion!r} does not hold ({one.quote!r})" for one in verdicts if not one.holds]
