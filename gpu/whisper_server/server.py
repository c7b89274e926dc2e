"""The process: port, model, health, metrics, and an orderly end."""

import asyncio
import json
import logging
import os
import signal
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from whisper_server import dialect_v1, dialect_v2
from whisper_server.admission import Admission
from whisper_server.decoder import Decoder, Prepared
from whisper_server.decoding import DecodeQueue
from whisper_server.errors import StartError
from whisper_server.faults import read_faults
from whisper_server.metrics import serve_metrics
from whisper_server.model import load_decoder, plan
from whisper_server.service import Service
from whisper_server.settings import Settings
from whisper_server.transcript import Transcript, Utterance
from whisper_server.warmth import keep_warm

log = logging.getLogger("whisper_server")

NAMES = ("", dialect_v1.SERVICE, dialect_v2.SERVICE)
MOST_WAITING = 20_000
_OPTIONS = (
    # A second server on the same port must fail, not share it.
    ("grpc.so_reuseport", 0),
    # Of streams that wait to be looked at gRPC cancels, with no word of why, some beyond 1,000 and all beyond 3,000;
    # a client that opens 10,000 at once is to read RESOURCE_EXHAUSTED. One that waits costs 12 kB.
    ("grpc.server.max_pending_requests", MOST_WAITING),
    ("grpc.server.max_pending_requests_hard_limit", MOST_WAITING),
    # Nor does it tell those why that have waited so many seconds, by itself 30: 10,000 on a starved machine do.
    ("grpc.server_max_unrequested_time_in_server", 240),
    # Dead clients are found; clients may ping as often as gRPC's own defaults let them.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A minute of Recognize at 16 kHz is under 2 MB; no other message is near that.
    ("grpc.max_receive_message_length", 4_000_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or the parent's end, then drain. Raises `StartError`."""
    _check_parent(settings)
    chosen = plan(settings)
    with (
        ThreadPoolExecutor(chosen.workers, thread_name_prefix="decode") as executor,
        ThreadPoolExecutor(2, thread_name_prefix="prepare") as preparing,
    ):
        loaded = _LateDecoder()
        queue = DecodeQueue(loaded, chosen.rules, executor, preparing)
        admission = Admission(chosen.max_streams, settings.token, lambda: queue.behind_seconds)
        server = grpc.aio.server(options=_OPTIONS)
        servicer = _add_services(server, Service(admission, queue, chosen.name, read_faults(settings.faults)))
        port = _bind(server, settings)
        # Health says SERVING of itself as long as nobody says otherwise.
        await _set_health(servicer, health_pb2.HealthCheckResponse.NOT_SERVING)
        await server.start()
        working = [asyncio.create_task(queue.run()) for _ in range(chosen.workers)]
        try:
            loaded.decoder = await asyncio.get_running_loop().run_in_executor(executor, load_decoder, chosen, settings)
            await _set_health(servicer, health_pb2.HealthCheckResponse.SERVING)
            admission.open()
            working.append(asyncio.create_task(keep_warm(queue)))
            stopping = _stop_event(settings)
            _announce(settings, port)
            log.info("serving %s on %s, at most %d streams", chosen.name, chosen.device, chosen.max_streams)
            await stopping.wait()
            await _drain(servicer, admission, settings.drain_seconds)
        finally:
            await server.stop(grace=0.5)
            for task in working:
                task.cancel()


class _LateDecoder:
    """The decoder as the queue sees it: nothing is admitted, so nothing is decoded, before it is there."""

    decoder: Decoder

    def prepare(self, utterance: Utterance) -> Prepared:
        return self.decoder.prepare(utterance)

    def decode(self, batch: Sequence[Prepared]) -> list[Transcript | None]:
        return self.decoder.decode(batch)


def _add_services(server: grpc.aio.Server, service: Service) -> health.aio.HealthServicer:
    for dialect in (dialect_v1, dialect_v2):
        server.add_generic_rpc_handlers((service.handler(dialect),))
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection((*NAMES[1:], health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    return servicer


def _bind(server: grpc.aio.Server, settings: Settings) -> int:
    try:
        if not settings.tls_cert:
            return server.add_insecure_port(settings.bind_address)
        pair = (settings.tls_key.encode(), settings.tls_cert.encode())
        return server.add_secure_port(settings.bind_address, grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        raise StartError(f"WHISPER_LISTEN: cannot listen on {settings.bind_address}; is the port in use?") from error


def _announce(settings: Settings, port: int) -> None:
    """Serve metrics and tell the parent where everything is."""
    metrics = None
    if settings.metrics_port is not None:
        try:
            metrics = serve_metrics(settings.bind_host, settings.metrics_port)
        except OSError as error:
            where = f"{settings.bind_host}:{settings.metrics_port}"
            raise StartError(f"WHISPER_METRICS_PORT: cannot listen on {where}: {error.strerror}") from error
    host = settings.bind_address.rpartition(":")[0]
    print(json.dumps({"listening": f"{host}:{port}", "metrics": metrics}), flush=True)  # noqa: T201


async def _set_health(servicer: health.aio.HealthServicer, status: int) -> None:
    for name in NAMES:
        await servicer.set(name, status)


async def _drain(servicer: health.aio.HealthServicer, admission: Admission, seconds: float) -> None:
    log.info("draining for at most %g s", seconds)
    admission.drain()
    await servicer.enter_graceful_shutdown()
    try:
        async with asyncio.timeout(seconds):
            await admission.wait_empty()
    except TimeoutError:
        log.warning("streams were still open after %g s and are cut off", seconds)


def _check_parent(settings: Settings) -> None:
    """The parent's end shows as end of file on standard input.

    PR_SET_PDEATHSIG would not do: it fires when the *thread* that started us ends.
    """
    kind = os.fstat(0).st_mode
    if settings.exit_with_parent and not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
        raise StartError("WHISPER_EXIT_WITH_PARENT: standard input must be a pipe that the parent holds open")


def _stop_event(settings: Settings) -> asyncio.Event:
    """Return an event that is set when this process should end; before this, signals simply end it."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if settings.exit_with_parent:
        loop.add_reader(0, lambda: None if os.read(0, 4096) else _parent_gone(loop, stopping))
    return stopping


def _parent_gone(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    loop.remove_reader(0)
    stopping.set()
