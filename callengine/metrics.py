"""The engine's metrics (DESIGN section 2). No label ever holds a call id, a number or a word a caller said."""

from prometheus_client import Counter, Gauge, Histogram

from callengine.ports.reasoning import Usage

RESPONSE_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
STAGE_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

calls_active = Gauge("callengine_calls_active", "Calls that are up on this node.")
calls_total = Counter("callengine_calls_total", "Calls ended, by outcome.", ["outcome"])
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
    "Parts of a response: endpointing, recognition, dialog, tool, voice.",
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
    "callengine_journal_lost_total", "Entries that will never be in the database: full (no room), refused.", ["reason"]
)
stt_restarts_total = Counter("callengine_stt_restarts_total", "Recogniser streams reopened, by reason.", ["reason"])
stt_failovers_total = Counter("callengine_stt_failovers_total", "Calls that a fault moved to the other recogniser.")
stt_lost_seconds_total = Counter(
    "callengine_stt_lost_seconds_total", "Audio with speech that no recogniser was there for while the ring had it."
)
tts_fallbacks_total = Counter(
    "callengine_tts_fallbacks_total", "Prompts that the chosen voice failed at and the spare one spoke."
)
tool_calls_total = Counter("callengine_tool_calls_total", "Tool calls, by result.", ["tool", "result"])
llm_tokens_total = Counter(
    "callengine_llm_tokens_total", "Tokens of the language model: input, cache_read, cache_write, output.", ["kind"]
)

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


def count_tokens(usage: Usage) -> None:
    """Add what a part of a reply has cost."""
    llm_tokens_total.labels("input").inc(usage.input_tokens)
    llm_tokens_total.labels("cache_read").inc(usage.cache_read_tokens)
    llm_tokens_total.labels("cache_write").inc(usage.cache_write_tokens)
    llm_tokens_total.labels("output").inc(usage.output_tokens)
