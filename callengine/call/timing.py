"""Where the time of one response goes, by stage, in seconds. Pure."""

from dataclasses import dataclass

STAGES = ("endpointing", "final", "first_token", "first_sentence", "first_audio")  # one behind the other


@dataclass(slots=True)
class ResponseTimes:
    """The moments of one response, on one clock; None where a moment did not come."""

    speech_ended: float | None = None  # the caller fell silent
    pause_over: float | None = None  # the pause that may end a turn had passed
    answer_began: float | None = None  # the turn was over: the words were there
    first_piece: float | None = None  # the dialog's first speakable piece
    first_frame: float | None = None  # on the wire
    flush: float | None = None  # seconds from the end of speech detected to its last chunk on the recogniser's wire
    first_token: float | None = None  # the answer's first text: behind the tools that had to be run for it

    def stages(self) -> dict[str, float]:
        """Seconds by stage: STAGES, which make up the whole response; `response`; `flush`, within endpointing."""
        token = self.first_token
        if self.first_piece is not None:  # a phrase that is no text of the dialog's ("one moment") comes without one
            token = self.first_piece if token is None else min(token, self.first_piece)
        moments = (self.speech_ended, self.pause_over, self.answer_began, token, self.first_piece, self.first_frame)
        stages = {} if self.flush is None else {"flush": round(self.flush, 4)}
        reached = float("-inf")  # an answer may be under way before it is decided that the turn is over
        for stage, begin, end in zip(STAGES, moments, moments[1:], strict=False):
            if begin is not None:
                reached = max(reached, begin)
                if end is not None:
                    stages[stage] = round(max(0.0, end - reached), 4)
        if self.speech_ended is not None and self.first_frame is not None:
            stages["response"] = round(max(0.0, self.first_frame - self.speech_ended), 4)
        return stages
