"""The server's Prometheus metrics; no label carries anything of a caller's."""

from prometheus_client import Counter, Gauge, Histogram, start_http_server

STREAMS_ACTIVE = Gauge("whisper_streams_active", "Recognition streams that are open")
QUEUE_DEPTH = Gauge("whisper_queue_depth", "Utterances that wait for the model")
INTERIMS_SHED = Counter("whisper_interims_shed", "Interims that were not decoded because the model was busy")
BATCH_SIZE = Histogram("whisper_batch_size", "Utterances decoded at once", buckets=(1, 2, 3, 4, 6, 8, 12, 16, 24, 32))
GUARDED = Counter("whisper_guarded", "Texts held back because nobody can have said them", ["guard"])
TIME_TO_FINAL = Histogram(
    "whisper_time_to_final_seconds",
    "From the end of speech to the final transcript on the wire",
    buckets=(0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.5, 5.0, 10.0, 30.0),
)


def serve_metrics(host: str, port: int) -> int:
    """Serve /metrics in a thread of its own; return the port (0 asks for a free one). Raises OSError."""
    server, _thread = start_http_server(port, addr=host)
    return int(server.server_port)
