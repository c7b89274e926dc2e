"""Where the time of one response goes, by stage, in seconds. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class ResponseTimes:
    """The moments of one response, on one clock; None where a moment did not come."""

    speech_ended: float | None = None  # the caller fell silent
    pause_over: float | None = None  # the pause that may end a turn had passed
    answer_began: float | None = None  # the turn was over: the words were there
    first_piece: float | None = None  # the dialog's first speakable piece
    first_frame: float | None = None  # on the wire
    flush: float | None = None  # seconds from the end of speech detected to its last chunk on the recogniser's wire

    def stages(self) -> dict[str, float]:
        """Seconds by stage: flush (within endpointing), endpointing, recognition, dialog, voice, the whole response."""
        spans = {
            "endpointing": (self.speech_ended, self.pause_over),
            "recognition": (self.pause_over, self.answer_began),
            "dialog": (self.answer_began, self.first_piece),
            "voice": (self.first_piece, self.first_frame),
            "response": (self.speech_ended, self.first_frame),
        }
        flushed = {} if self.flush is None else {"flush": round(self.flush, 4)}
        return flushed | {
            stage: round(max(0.0, end - begin), 4)
            for stage, (begin, end) in spans.items()
            if begin is not None and end is not None
        }
