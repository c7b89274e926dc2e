"""What goes wrong with the Messages API, as the port's error: one line, whether asking again may help, which setting.

The API's own message is no part of it: it may quote what was sent, and that holds a caller's words.
https://platform.claude.com/docs/en/api/errors"""

import anthropic
import httpx2

from callengine.errors import ReasoningError

FAULTS = (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError)
_AGAIN = frozenset({408, 409, 429})
_AGAIN_TYPES = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})


def fault_of(error: Exception, url: str, model: str) -> ReasoningError:
    """The port's error for one of FAULTS of a request for `model` at `url`."""
    if isinstance(error, anthropic.APIStatusError):
        return _of_status(error, url, model)
    if isinstance(error, anthropic.APIConnectionError | httpx2.TransportError):
        reason = type(error.__cause__ or error).__name__
        return ReasoningError(f"Claude at {url} cannot be reached ({reason})", retryable=True)
    return ReasoningError(f"Claude at {url} broke off its answer ({type(error).__name__})", retryable=True)


def _of_status(error: anthropic.APIStatusError, url: str, model: str) -> ReasoningError:
    kind = f"{error.status_code} {error.type or ''}".strip()
    match error.status_code:
        case 401 | 402:
            return ReasoningError(
                f"Claude at {url} does not take the key ({kind}): set one that is valid and paid for",
                retryable=False,
                setting="ANTHROPIC_API_KEY",
            )
        case 403 | 404:
            text = f"Claude at {url} has no model {model!r} for this key ({kind})"
            return ReasoningError(text, retryable=False, setting="CLAUDE_MODEL")
        case status if status in _AGAIN or status >= 500:
            return ReasoningError(f"Claude at {url} is overloaded or out of order ({kind})", retryable=True)
        case _:
            return ReasoningError(f"Claude at {url} refused the request for {model!r} ({kind})", retryable=False)


def fault_within(kind: str, url: str) -> ReasoningError:
    """The port's error for an `error` event of this type in an open stream."""
    return ReasoningError(f"Claude at {url} broke off its answer ({kind})", retryable=kind in _AGAIN_TYPES)


def detail_of(error: Exception) -> str:
    """What the API says besides, for those who debug; it may hold a caller's words."""
    return (error.api_message or "") if isinstance(error, anthropic.APIStatusError) else str(error)
