"""The composition root: services opened in order, the clock and the servers run, drained on SIGTERM."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from socket import socket

import structlog
import trio
from prometheus_client import REGISTRY

from callengine.answering import load_agents
from callengine.api.event_ring import EventRing
from callengine.api.readiness import DIALOG, FALLBACK, RECOGNIZER
from callengine.api.server import serve_api
from callengine.api.shared_events import SharedEvents
from callengine.api.state import Admission as ApiAdmission
from callengine.api.state import ApiState
from callengine.buckets import bucket_of
from callengine.call.parts import Services
from callengine.composition import open_services
from callengine.config import Settings
from callengine.elsewhere import hang_up, obey, transfer
from callengine.engine import Engine
from callengine.leaving import serve_until_drained
from callengine.listening import bound_socket, listen, shown_address
from callengine.media.admission import Admission
from callengine.media.confirm import serve_confirmation
from callengine.media.port import keep_little_on_the_way
from callengine.media.priority import take_realtime_priority
from callengine.media.silero import SileroModel
from callengine.media.stalls import quiet_gc, run_watched, serve_collections
from callengine.media.statistics import ClockCollector
from callengine.reloading import serve_reloads
from callengine.services.memory_events import MemoryEventLog
from callengine.services.told_journal import Hearer
from callengine.sounds import open_sound

LAST_EVENTS_SECONDS = 1.0  # for readers of events to take the last ones

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where an engine is to be found, as `host:port`."""

    audiosocket: str
    api: str


@dataclass(frozen=True, slots=True)
class Listeners:
    """An engine's ports: taken before anything starts, opened once it serves."""

    audiosocket: socket
    api: socket


@dataclass(slots=True)
class Stop:
    """How an engine is told to end: it drains once it serves; before that there is nothing to drain, only to undo."""

    everything: trio.CancelScope
    drain: trio.Event = field(default_factory=trio.Event)
    serving: bool = False

    def ask(self) -> None:
        """End what has begun."""
        self.drain.set()
        if not self.serving:
            self.everything.cancel("told to stop while starting")


async def serve_engine(  # noqa: ASYNC128 - `_run` says that it has started
    settings: Settings, *, task_status: trio.TaskStatus[Addresses] = trio.TASK_STATUS_IGNORED
) -> None:
    """Run an engine until it has drained (SIGTERM, SIGINT, the API) or is cancelled.

    Raises ConfigError and the other named errors before a port opens."""
    agents = load_agents(settings.agent_file, settings.call_language)
    model = SileroModel()
    if settings.realtime:
        take_realtime_priority()
    with (
        bound_socket("AUDIOSOCKET", settings.audiosocket_host, settings.audiosocket_port) as audiosocket,
        bound_socket("API", settings.api_host, settings.api_port) as api,
        trio.open_signal_receiver(signal.SIGHUP) as hangups,
    ):
        async with trio.open_nursery() as nursery:
            stop = Stop(nursery.cancel_scope)
            hearer = Hearer()
            await nursery.start(_serve_signals, stop)
            async with (
                open_services(settings, agents, hearer.tell) as (services, toolboxes, equip),
                trio.open_nursery() as beside,
            ):
                events = SharedEvents(EventRing(), services.event_log or MemoryEventLog())
                await events.load()
                beside.start_soon(events.run)
                hearer.listen(events.tell)
                engine = Engine(settings, agents, services, toolboxes)
                beside.start_soon(serve_reloads, hangups, engine, equip)
                beside.start_soon(serve_confirmation, engine.clock.all_legs, model)
                state = _api_state(engine, stop, events)
                await _run(engine, state, Listeners(audiosocket, api), stop, task_status)
                beside.cancel_scope.cancel("drained")
            nursery.cancel_scope.cancel("drained")


async def _run(
    engine: Engine, state: ApiState, listeners: Listeners, stop: Stop, task_status: trio.TaskStatus[Addresses]
) -> None:
    collector = ClockCollector(engine.clock)
    REGISTRY.register(collector)
    try:
        async with trio.open_nursery() as servers:
            # Before the clock: building it holds the loop for 0.1 s, and on a starved machine for seconds.
            api = await servers.start(serve_api, state, listeners.api)
            await servers.start(run_watched, engine.clock.run, lambda: engine.clock.ticks)
            servers.start_soon(serve_collections, lambda: engine.admission.up)
            with quiet_gc():
                keep_little_on_the_way(listeners.audiosocket)
                listen("AUDIOSOCKET", listeners.audiosocket)
                if (nodes := engine.services.nodes) is not None:
                    servers.start_soon(nodes.serve, partial(obey, engine), lambda: engine.admission.places)
                stop.serving = True
                addresses = Addresses(shown_address(listeners.audiosocket), api)
                log.info("serving", audiosocket=addresses.audiosocket, api=api, node=engine.settings.node_name)
                task_status.started(addresses)
                await serve_until_drained(engine, listeners.audiosocket, stop.drain, state.events)
            await state.events.close(LAST_EVENTS_SECONDS)
            servers.cancel_scope.cancel("drained")
    finally:
        REGISTRY.unregister(collector)


async def _serve_signals(stop: Stop, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """The first SIGTERM or SIGINT drains, the second ends the process at once."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            if stop.drain.is_set():
                raise KeyboardInterrupt
            log.info("signal", name=signal.Signals(number).name)
            stop.ask()


def _api_state(engine: Engine, stop: Stop, events: SharedEvents) -> ApiState:
    admission = engine.admission
    return ApiState(
        settings=engine.settings,
        journal=engine.services.journal,
        registry=engine.services.registry,
        listening=lambda: not admission.draining,
        admission=lambda: ApiAdmission(admission.up, admission.max_calls, admission.draining),
        outcome=engine.outcome,
        announcement=engine.announcement,
        transfer=partial(transfer, engine),
        hang_up=partial(hang_up, engine),
        drain=partial(_drain, admission, stop),
        reachable=_reachable(engine.services),
        fallback_carries=lambda: engine.services.sources.fallback_carries,
        events=events,
        open_sound=partial(open_sound, engine.settings.data_dir / "recordings", bucket_of(engine.settings)),
    )


def _drain(admission: Admission, stop: Stop) -> None:
    admission.draining = True  # at once: whoever told us is answered before the server's task has run
    stop.ask()


def _reachable(services: Services) -> Mapping[str, Callable[[], Awaitable[None]]]:
    checks = {RECOGNIZER: services.recognizer.check, DIALOG: services.dialog.check}
    return checks if services.fallback is None else checks | {FALLBACK: services.fallback.check}
