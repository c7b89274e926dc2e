"""What a gRPC status of a Speech service means for a call: another stream is due, worth a try, or useless.

Google's texts, and our server's, where a stream ends by its nature. v1, OUT_OF_RANGE: `Exceeded maximum allowed stream
duration of 305 seconds.`, `Audio Timeout Error: Long duration elapsed without audio. …`. v2, ABORTED: `Max duration of
5 minutes reached for stream.`, `Stream timed out after receiving no more client requests.`"""

import grpc

from callengine.errors import RecognizerError, RecognizerReason

_LONGEST_TEXT = 300
_REASONS: dict[grpc.StatusCode, RecognizerReason] = {
    grpc.StatusCode.ABORTED: "ended",
    grpc.StatusCode.OUT_OF_RANGE: "ended",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overloaded",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "broken",
    grpc.StatusCode.CANCELLED: "broken",
    grpc.StatusCode.INTERNAL: "broken",
    grpc.StatusCode.UNKNOWN: "broken",
    grpc.StatusCode.DATA_LOSS: "broken",
}


def fault(code: grpc.StatusCode, details: str | None, where: str) -> RecognizerError:
    """Our error for a status. A code that is not named above says that the request itself is refused for good."""
    text = " ".join((details or "").split())[:_LONGEST_TEXT]
    reason = _REASONS.get(code, "refused")
    if reason == "ended":
        reason = _kind_of_end(text.lower())
    ended = reason in ("duration", "no_audio", "ended")
    return RecognizerError(f"{where}: {code.name}: {text}", retryable=reason != "refused", ended=ended, reason=reason)


def _kind_of_end(text: str) -> RecognizerReason:
    if "timeout" in text or "timed out" in text:
        return "no_audio"
    return "duration" if "duration" in text else "ended"
