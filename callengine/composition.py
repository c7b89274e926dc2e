"""The services of one engine, opened in order: what is not given by a URL is a real part of our own, started here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

import structlog
from pydantic import SecretStr

from callengine.answering import Agents
from callengine.buckets import bucket_of
from callengine.call.entrance import Entrances
from callengine.call.meter import priced_speech
from callengine.call.parts import Services
from callengine.config import TABLE_OF_WORDS, Settings
from callengine.credentials import check_credentials
from callengine.errors import AwayError, ConfigError, ReasoningError, ServiceError
from callengine.housekeeping import House
from callengine.metrics import count_use
from callengine.plugins import load_backend
from callengine.ports.bridge import Bridge
from callengine.ports.journal import Journal
from callengine.ports.reasoning import OpenDialog
from callengine.ports.synthesis import Spoken, Voice
from callengine.ports.tools import Toolbox
from callengine.ports.turn_end import OpenTurnEnd
from callengine.prices import Prices, load_prices
from callengine.recognisers import allow_own_part, check_recognizers, named_recognizers, open_recognizer
from callengine.recording.recorder import Recorder
from callengine.recordings import open_recordings
from callengine.reloading import Equip
from callengine.services.asterisk import Access, open_control
from callengine.services.bridge import open_bridge
from callengine.services.database import connection_options
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from callengine.services.event_log import RedisEventLog, open_event_log
from callengine.services.journal import open_journal
from callengine.services.nodes import RedisNodes, open_nodes
from callengine.services.object_store import Bucket
from callengine.services.own_parts import open_demo_store
from callengine.services.redis_writes import RedisWriteLog, open_write_log
from callengine.services.registry import RedisRegistry, open_registry
from callengine.services.schema import open_schema
from callengine.services.spool import Spool, open_spool
from callengine.services.store import Store, open_store
from callengine.services.told_journal import Tell, ToldJournal
from callengine.toolboxes import open_toolboxes
from callengine.voices import check_voice, named_voices, open_voice, warm_voice

log = structlog.get_logger(__name__)


Opened = tuple[Services, Mapping[str, Toolbox], Equip]


@asynccontextmanager
async def open_services(settings: Settings, agents: Agents, tell: Tell) -> AsyncIterator[Opened]:
    """Everything a call asks of the world, ready: checked, warmed, migrated; the tools of each agent, by its language;
    and how other agents get theirs. `tell` hears what the record is told. Raises ConfigError,
    ServiceError, …"""
    named = _named(settings)
    chosen, spare = named.recognizers
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        control = await enter(open_control(_asterisk(settings)))
        settings = await _with_embedded(settings, stack)
        bridge = await enter(open_bridge())
        state = await _open_state(settings, bridge, named.bucket, stack, tell)
        store = await enter(open_store(settings.store_api_url, _secret(settings.store_api_token), state.writes))
        toolboxes = await open_toolboxes(store, agents)
        recognizer = await enter(open_recognizer(settings, chosen, bridge))
        fallback = await enter(open_recognizer(settings, spare, bridge)) if spare else None
        voice = await enter(open_voice(settings, bridge, partial(_count_warmed, named.prices)))
        services = Services(
            recognizer,
            voice,
            await enter(named.open_dialog(settings, bridge)),
            toolboxes[agents.default.language],
            state.journal,
            state.registry,
            control,
            fallback,
            entrances=Entrances(random=Random()),  # noqa: S311 - no secret: nodes of one crowd do not wait in step
            nodes=state.nodes,
            event_log=state.event_log,
            recorder=state.recorder,
            stt_gate=settings.stt_gate,
            stt_away_seconds=settings.stt_away_seconds,
            prices=named.prices,
            turn_end=await enter(named.open_turn_end(settings, bridge)) if named.open_turn_end else None,
        )
        _ask_for_prices(services, settings)
        await _check(services, named.recognizers)
        await warm_voice(voice, agents.fixed_prompts())
        yield services, toolboxes, partial(_equip, store, voice)


@dataclass(frozen=True, slots=True)
class _Named:
    """What the settings choose by a name or a file."""

    recognizers: tuple[str, str]  # the second may be empty
    open_dialog: OpenDialog
    open_turn_end: OpenTurnEnd | None  # None: the table of words, which is in every call already
    prices: Prices
    bucket: Bucket | None


def _named(settings: Settings) -> _Named:
    """Found before anything is started: a wrong name costs nobody the start of a database. Raises ConfigError."""
    recognizers = named_recognizers(settings)
    named_voices(settings)
    check_credentials(settings)
    open_dialog = load_backend("callengine.dialog", settings.dialog_backend)
    by_table = settings.turn_end == TABLE_OF_WORDS
    open_turn_end = None if by_table else load_backend("callengine.turn_end", settings.turn_end)
    return _Named(recognizers, open_dialog, open_turn_end, load_prices(settings.prices_file), bucket_of(settings))


@dataclass(frozen=True, slots=True)
class _State:
    """What keeps the state of calls and shares it between nodes."""

    journal: Journal
    nodes: RedisNodes
    event_log: RedisEventLog
    registry: RedisRegistry
    writes: RedisWriteLog
    recorder: Recorder | None


async def _open_state(
    settings: Settings, bridge: Bridge, bucket: Bucket | None, stack: AsyncExitStack, tell: Tell
) -> _State:
    enter = stack.enter_async_context
    database, redis = _secret(settings.database_url), _secret(settings.redis_url)
    with _to_blame("DATABASE_URL"):
        migrated = await enter(open_schema(database))
    spool = stack.enter_context(_spool(settings))
    journal = ToldJournal(
        await enter(open_journal(database, bridge, spool, _secret(settings.database_replica_url))), tell
    )
    # A second node of one name is refused before it says anything of calls in that name.
    nodes = await enter(open_nodes(redis, settings.node_name, bridge))
    event_log = await enter(open_event_log(redis, bridge))
    registry = await enter(open_registry(redis, settings.node_name, bridge))
    writes = await enter(open_write_log(redis, bridge))
    checks = {"REDIS_URL": registry.check}
    if migrated:
        checks["DATABASE_URL"] = journal.check
    await _check_state(checks)
    house = House(connection_options(database), bridge, settings.data_dir, bucket)
    recorder = await enter(open_recordings(settings, house, journal.record_nowait))
    return _State(journal, nodes, event_log, registry, writes, recorder)


async def _equip(store: Store, voice: Voice, agents: Agents) -> Mapping[str, Toolbox]:
    """Agents that come later: the Store's document is read anew, their phrases are at hand. Raises ConfigError."""
    toolboxes = await open_toolboxes(store, agents)
    await warm_voice(voice, agents.fixed_prompts())
    return toolboxes


def _ask_for_prices(services: Services, settings: Settings) -> None:
    """A voice's is asked for when it first speaks, which is now unless all the phrases are kept already."""
    services.prices.ask_for("stt", (recognizer.limits.product for recognizer in services.sources.recognizers))
    if settings.dialog_backend == "claude":
        services.prices.ask_for("llm", filter(None, (settings.claude_model, settings.claude_fallback_model)))


def _count_warmed(prices: Prices, spoken: Spoken) -> None:
    count_use(priced_speech(prices, spoken))


async def _check_state(checks: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """What keeps the state may be away when an engine starts, as it may be later: calls go on without. A name or a
    password that it does not take is a wrong setting."""
    for variable, check in checks.items():
        try:
            with _to_blame(variable):
                await check()
        except AwayError as error:
            log.warning("state_away", setting=variable, problem=str(error), until_then="calls go on without it")


async def _check(services: Services, recognizers: tuple[str, str]) -> None:
    await check_recognizers(services.sources, recognizers)
    await check_voice(services.voice)
    with _to_blame("DIALOG_BACKEND"):
        await services.dialog.check()
    try:
        await services.control.check()
    except ServiceError as error:  # an exchange that starts after us is no wrong setting
        log.warning("asterisk_away", problem=str(error))


@contextmanager
def _to_blame(variable: str) -> Iterator[None]:
    """What is not there when the engine starts is a setting that cannot be used; later it is only away."""
    try:
        yield
    except AwayError:
        raise
    except ServiceError as error:
        raise ConfigError(variable, str(error)) from error
    except ReasoningError as error:
        raise ConfigError(error.setting or variable, str(error)) from error


async def _with_embedded(settings: Settings, stack: AsyncExitStack) -> Settings:
    """The settings with every missing URL filled in by a part of our own; `EMBEDDED=off` forbids that."""
    found: dict[str, object] = {}
    enter = stack.enter_async_context
    if settings.database_url is None:
        allow_own_part(settings, "DATABASE_URL", "postgresql://user:password@host/database")
        log.info("starting", part="PostgreSQL", folder=str(settings.data_dir / "postgres"))
        url = await enter(open_postgres(settings.data_dir))
        log.info("started", part="PostgreSQL", url=url)  # for psql; there is no password in it
        found["database_url"] = SecretStr(url)
    if settings.redis_url is None:
        allow_own_part(settings, "REDIS_URL", "redis://host:6379/0")
        log.info("starting", part="Valkey", folder=str(settings.data_dir / "valkey"))
        found["redis_url"] = SecretStr(await enter(open_valkey(settings.data_dir)))
    if not settings.store_api_url:
        allow_own_part(settings, "STORE_API_URL", "http://store-api:3000/api/v1")
        log.info("starting", part="the demo Store")
        found["store_api_url"] = await enter(open_demo_store(settings.data_dir, _secret(settings.store_api_token)))
    return settings.model_copy(update=found)


def _spool(settings: Settings) -> AbstractContextManager[Spool]:
    size = settings.spool_max_mb << 20
    return open_spool(settings.data_dir, settings.node_name, fsync=settings.spool_fsync, max_bytes=size)


def _asterisk(settings: Settings) -> Access:
    return Access(
        settings.asterisk_ari_url,
        settings.asterisk_ari_user,
        _secret(settings.asterisk_ari_password),
        settings.asterisk_ami_user,
        _secret(settings.asterisk_ami_password),
    )


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
