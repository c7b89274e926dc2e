"""The engine's metrics (DESIGN section 2). No label ever holds a call id, a number or a word a caller said."""

from collections.abc import Mapping
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram

from callengine.ports.journal import Outcome
from callengine.ports.reasoning import Usage
from callengine.ports.usage import Used

RESPONSE_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
STAGE_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

calls_active = Gauge("callengine_calls_active", "Calls that are up on this node.")
calls_total = Counter("callengine_calls_total", "Calls ended, by outcome.", ["outcome"])
nobody_total = Counter(
    "callengine_nobody_total", "Calls ended because no person was on the line: fax, voicemail, silent line.", ["what"]
)
connections_refused_total = Counter(
    "callengine_connections_refused_total", "Connections that never became a call, by reason.", ["reason"]
)
response_seconds = Histogram(
    "callengine_response_seconds",
    "End of the caller's speech to the first speech frame written.",
    buckets=RESPONSE_BUCKETS,
)
stage_seconds = Histogram(
    "callengine_stage_seconds",
    "Parts of a response: endpointing, final, first_token, first_sentence, first_audio; response; flush; tool.",
    ["stage"],
    buckets=STAGE_BUCKETS,
)
barge_in_seconds = Histogram(
    "callengine_barge_in_seconds",
    "First frame later confirmed as speech to the agent's silence.",
    buckets=(0.1, 0.15, 0.2, 0.25, 0.28, 0.3, 0.35, 0.4, 0.5, 0.75, 1.0),
)
slow_step_seconds = Histogram(
    "callengine_slow_step_seconds",
    "Steps of the event loop longer than 5 ms, by task.",
    ["task"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
)
bridge_errors_total = Counter("callengine_bridge_errors_total", "Errors of asyncio tasks that nobody awaited.")
journal_backlog = Gauge("callengine_journal_backlog", "Entries of the record that are not in the database yet.")
journal_lost_total = Counter(
    "callengine_journal_lost_total",
    "Entries that will never be in the database: full (no room), refused, damaged (places in files of the spool).",
    ["reason"],
)
journal_spool_bytes = Gauge("callengine_journal_spool_bytes", "The record's entries on disk, waiting for the database.")
journal_spool_errors_total = Counter("callengine_journal_spool_errors_total", "The disk did not take the record.")
stt_restarts_total = Counter("callengine_stt_restarts_total", "Recogniser streams reopened, by reason.", ["reason"])
stt_failovers_total = Counter("callengine_stt_failovers_total", "Calls that a fault moved to the other recogniser.")
stt_lost_seconds_total = Counter(
    "callengine_stt_lost_seconds_total", "Audio with speech that no recogniser was there for while the ring had it."
)
tts_fallbacks_total = Counter(
    "callengine_tts_fallbacks_total", "Prompts that the chosen voice failed at and the spare one spoke."
)
refused_tokens_total = Counter(
    "callengine_refused_tokens_total", "HTTP requests with a wrong token, or from a peer that sent too many.", ["why"]
)
event_readers_dropped_total = Counter(
    "callengine_event_readers_dropped_total", "Readers of /api/v1/events that were too slow and lost their place."
)
tool_calls_total = Counter("callengine_tool_calls_total", "Tool calls, by result.", ["tool", "result"])
callbacks_total = Counter("callengine_callbacks_total", "Requests to be called back.")
llm_tokens_total = Counter(
    "callengine_llm_tokens_total", "Tokens of the language model: input, cache_read, cache_write, output.", ["kind"]
)
stt_seconds_total = Counter(
    "callengine_stt_seconds_total", "Audio sent to recognisers, each stream rounded up to a second.", ["product"]
)
tts_characters_total = Counter("callengine_tts_characters_total", "Characters that paid voices have said.", ["product"])
cost_usd_total = Counter("callengine_cost_usd_total", "Dollars by the price table: stt, llm, tts.", ["service"])

speculative_replies_total = Counter(
    "callengine_speculative_replies_total",
    "Replies begun before the caller's turn was surely over: used, discarded, failed.",
    ["result"],
)
turn_end_opinions_total = Counter(
    "callengine_turn_end_opinions_total",
    "What the end-of-turn model said of pauses: given, none, late, moot, failed.",
    ["result"],
)
recordings_total = Counter(
    "callengine_recordings_total",
    "Calls recorded: kept; cut_short, failed (the disk took no more, or nothing); mended (of a killed engine).",
    ["result"],
)
recording_lost_seconds_total = Counter(
    "callengine_recording_lost_seconds_total", "Seconds of callers that a disk too slow for them left silent."
)
recording_uploads_total = Counter(
    "callengine_recording_uploads_total", "Recordings put into S3: ok, failed.", ["result"]
)
recordings_waiting = Gauge("callengine_recordings_waiting", "Recordings of this node that wait for S3.")
retention_total = Counter(
    "callengine_retention_total",
    "What its age has removed: calls, recordings; forgotten: calls cleared again.",
    ["what"],
)

# An alert on a counter's increase sees nothing where the counter itself comes into being with its first count.
for _outcome in get_args(Outcome):
    calls_total.labels(_outcome)
for _why in ("wrong", "limited"):
    refused_tokens_total.labels(_why)
for _reason in ("full", "refused", "damaged"):
    journal_lost_total.labels(_reason)
for _result in ("kept", "cut_short", "failed", "mended"):
    recordings_total.labels(_result)
for _result in ("ok", "failed"):
    recording_uploads_total.labels(_result)


def count_tokens(usage: Usage) -> None:
    """Add what a part of a reply has cost."""
    llm_tokens_total.labels("input").inc(usage.input_tokens)
    llm_tokens_total.labels("cache_read").inc(usage.cache_read_tokens)
    llm_tokens_total.labels("cache_write").inc(usage.cache_write_tokens)
    llm_tokens_total.labels("output").inc(usage.output_tokens)


def observe_stages(stages: Mapping[str, float]) -> None:
    """Note where the seconds of an answer went."""
    for stage, seconds in stages.items():
        stage_seconds.labels(stage).observe(seconds)
    if "response" in stages:
        response_seconds.observe(stages["response"])


def count_use(used: Used) -> None:
    """Add what was used besides tokens, and what it costs where that is known."""
    if used.service == "stt":
        stt_seconds_total.labels(used.product).inc(used.seconds)
    elif used.service == "tts":
        tts_characters_total.labels(used.product).inc(used.characters)
    if used.usd is not None:
        cost_usd_total.labels(used.service).inc(float(used.usd))
