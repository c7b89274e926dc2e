"""The engine's named errors: who is at fault, and what a person can do about it."""

from typing import Literal

# Why a stream failed, for a metric label. The first three are in the nature of streams (`RecognizerError.ended`).
RecognizerReason = Literal["duration", "no_audio", "ended", "overloaded", "unavailable", "refused", "broken"]


class EngineError(Exception):
    """Any fault this engine names. Its text is one line that says what, where and what to do."""


class ConfigError(EngineError):
    """A setting that cannot be used: `variable` names it. The process ends with status 2."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem


class ProtocolError(EngineError):
    """The wire's rules were broken; one of the two below says by whom."""


class LocalProtocolError(ProtocolError):
    """We were about to send what Asterisk rejects: our bug."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what is not AudioSocket. `reason` is a short fixed word for a metric label."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RecognizerError(EngineError):
    """The recogniser failed. `retryable`: another stream (or backend) may succeed. `ended`: nothing is wrong, the
    stream has come to a limit of its backend's (its longest life, a time without audio).

    `setting` names the setting that the service refused, where it was one."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        ended: bool = False,
        reason: RecognizerReason = "broken",
        setting: str = "",
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.ended = ended
        self.reason: RecognizerReason = reason
        self.setting = setting


class SynthesisError(EngineError):
    """The voice could not speak a prompt. `setting` names the setting that the service refused, where it was one."""

    def __init__(self, message: str, *, retryable: bool, setting: str = "") -> None:
        super().__init__(message)
        self.retryable = retryable
        self.setting = setting


class ReasoningError(EngineError):
    """The dialog backend could not give a reply. `setting` names the setting that the service refused, if one."""

    def __init__(self, message: str, *, retryable: bool, setting: str = "") -> None:
        super().__init__(message)
        self.retryable = retryable
        self.setting = setting


class TurnEndError(EngineError):
    """The end-of-turn model has no answer; the table of words decides."""


class ServiceError(EngineError):
    """A service behind a port (database, registry, Store) cannot be reached or used."""


class AwayError(ServiceError):
    """It cannot be reached or used now, and may be later without anybody's changing a setting."""


class UnfitToolError(EngineError):
    """A tool that the Store's document does not bear. `place` is where the agent file says it: keys of TOML."""

    def __init__(self, place: tuple[str, ...], problem: str) -> None:
        super().__init__(f"{'.'.join(place)}: {problem}")
        self.place = place
        self.problem = problem
