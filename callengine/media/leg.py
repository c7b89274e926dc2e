"""One call's media: what the clock does for it every 20 ms. Reads wait for no consumer, writes not for Asterisk.

The rules are DESIGN 4.2 and 4.3: a frame every tick from accept to close; a part-frame is finished in the next phase;
a frame that does not fit is dropped and counted; no progress for a second ends the call; a hole becomes zeros."""

from collections.abc import Sequence
from contextlib import suppress

import trio
import webrtcvad

from callengine.media.audio import FRAME_BYTES, FRAME_SAMPLES, RATE
from callengine.media.audiosocket import HANGUP, Audio, Decoder, Digit, Hangup, Identify, Message
from callengine.media.cadence import MEND, Cadence
from callengine.media.frames import HEADER, MESSAGE_BYTES, READ_BYTES, SILENCE_MESSAGE
from callengine.media.marks import DigitPressed, Identified, LineEnd, LineEnded, Mark, SpeechBegan, SpeechPaused
from callengine.media.playout import Playout
from callengine.media.port import WirePort
from callengine.media.resample import Resampler
from callengine.media.ring import Ring
from callengine.media.silero import VoiceState
from callengine.media.surplus import Surplus
from callengine.media.tape import Tape
from callengine.media.vad import Gate, SpeechTracker

HOLE_SECONDS = 0.040
AHEAD_SECONDS = 0.040  # more audio than time: the stall that held it back was filled with zeros already
STALL_SECONDS = 1.0
LATE_FRAMES = 2
MARKS = 64  # digits and speech marks between two turns of the reader: far more than a person makes

_inbound = bytearray(READ_BYTES)
_inbound_view = memoryview(_inbound)
_frame_view = _inbound_view[len(HEADER) : MESSAGE_BYTES]
_outbound = bytearray(SILENCE_MESSAGE)


class Leg:
    """The media of one connection. The clock calls `receive` and `send`; tasks use `ring`, `playout` and `marks`."""

    __slots__ = (
        "_ahead", "_cadence", "_decoder", "_end", "_hanging_up", "_marks_in", "_partial_frame", "_plain", "_port",
        "_progress_at", "_resampler", "_said_hangup", "_surplus", "_unsent", "_vad", "began", "confirm",
        "flush_seconds", "frames_dropped", "gate", "heard_at", "marks", "no_media_seconds", "over", "paused_at",
        "playout", "ring", "silent_from", "speech_since", "speech_until", "spoke_at", "talking", "tape", "tracker",
        "vad_state",
    )  # fmt: skip

    def __init__(self, port: WirePort, now: float, no_media_seconds: float) -> None:
        self._port = port
        self._decoder, self._cadence = Decoder(), Cadence()
        self._marks_in, self.marks = trio.open_memory_channel[Mark](MARKS)
        self._vad = webrtcvad.Vad(2)
        self._partial_frame = b""
        self._resampler: Resampler | None = None  # of a wideband caller
        self._surplus = Surplus(now)
        self._ahead = False
        self._plain = True  # what comes next is frames of 8 kHz, on time, as far as anyone knows
        self._unsent: bytes = b""
        self._progress_at = now
        self._hanging_up = False
        self._said_hangup = False
        self._end: LineEnded | None = None
        self.over = trio.Event()
        self.began = now  # call time 0
        self.heard_at = now  # when anything last came in
        self.no_media_seconds = no_media_seconds
        self.ring = Ring()
        self.playout = Playout()
        self.gate = Gate()
        self.tracker = SpeechTracker()
        self.confirm = 0  # the next sample Silero is to look at, while the gate is open
        self.vad_state: VoiceState | None = None
        self.talking = False  # the last frame written was speech
        self.spoke_at = now  # when the agent's last answer began on the wire, whatever paused it since
        self.silent_from = now  # when its last run of speech ended
        self.speech_since: int | None = None  # where speech without a final begins, for a recogniser that starts anew
        self.speech_until = 0  # where speech last paused
        self.paused_at: float | None = None  # when that was detected, until the recogniser has all of it
        self.flush_seconds = 0.0  # how long that took
        self.frames_dropped = 0
        self.tape: Tape | None = None  # of a call that is recorded

    @property
    def ended(self) -> LineEnded | None:
        """Why the line is over, or None while it is up."""
        return self._end

    @property
    def hung_up(self) -> bool:
        """We have ended it, or are about to."""
        return self._hanging_up

    @property
    def unfinished(self) -> bool:
        """A part of a message waits to be written in the next phase."""
        return bool(self._unsent)

    def hang_up(self) -> None:
        """Send 0x00 instead of the next frame, and nothing after it."""
        self._hanging_up = True

    def end(self, reason: LineEnd, detail: str = "") -> None:
        """The line is over: tell the reader, let the connection go. Only the first reason counts."""
        if self._end is None:
            self._end = LineEnded(reason, detail)
            with suppress(trio.WouldBlock, trio.BrokenResourceError):  # a reader that is behind asks `ended`
                self._marks_in.send_nowait(self._end)
            self._marks_in.close()
            self._port.close()
            self.ring.wake()
            self.over.set()

    def receive(self, now: float) -> None:
        """Take what the peer has sent. Raises OSError, RemoteProtocolError."""
        count = self._port.recv_nowait(_inbound_view)
        if count == MESSAGE_BYTES and self._plain and _inbound.startswith(HEADER):
            self.heard_at = now
            self._take_frame(_frame_view)
            return  # one frame in one tick: nobody is late, nobody too fast
        if count > 0:
            self.heard_at = now
            self._take_bytes(self._take_frames(count) if self._plain else 0, count)
        elif count == 0:
            self.end("hangup")
            return
        held = self._resampler.held if self._resampler else 0
        ahead = self.ring.end + held - (now - self.began) * RATE
        if ahead < -HOLE_SECONDS * RATE - FRAME_SAMPLES and count < READ_BYTES:  # else more waits: we were late
            self._fill_hole(int(-ahead) // FRAME_SAMPLES, now)
        self._ahead = ahead > AHEAD_SECONDS * RATE
        self._plain = not (self._ahead or self._resampler or self._partial_frame) and self._decoder.empty
        self._surplus.settle(now)

    def send(self, now: float, late_frames: int) -> None:
        """Write the frame that is due, and after a stall up to two late ones. Raises OSError."""
        if self._unsent and not self.finish(now):
            self.frames_dropped += 1
            return
        if self._hanging_up:
            self._say_hangup(now)
            return
        frame = self.playout.next_frame()
        if frame is None:
            if self.talking:
                self.talking = False
                self.silent_from = now
            self._write(SILENCE_MESSAGE, now)
            return
        self.talking = True
        if 0 <= self.playout.first < self.playout.played:
            self.playout.first = -1
            self.spoke_at = now
        whole = self._write_frame(frame, now)
        for _ in range(min(late_frames, LATE_FRAMES)):
            if not whole or (frame := self.playout.next_frame()) is None:
                return
            whole = self._write_frame(frame, now)

    def finish(self, now: float) -> bool:
        """Write the rest of a message begun in an earlier phase. True when nothing is left. Raises OSError."""
        sent = self._port.send_nowait(self._unsent)
        self._unsent = self._unsent[sent:]
        self._note_progress(sent, now)
        return not self._unsent

    def mark_speech(self, mark: SpeechBegan | SpeechPaused | None) -> None:
        """Tell the reader, and the recognizer's wait for audio, that speech began or paused."""
        if isinstance(mark, SpeechBegan):
            self.speech_since = mark.position if self.speech_since is None else self.speech_since
        elif mark is not None:
            self.speech_until = mark.position
            self.paused_at = trio.current_time()
        if mark is not None:
            self._mark(mark)
            self.ring.wake()

    def _write_frame(self, frame: bytes | memoryview, now: float) -> bool:
        _outbound[len(HEADER) :] = frame
        try:
            whole = self._write(_outbound, now)
        except OSError:
            self.playout.refused()
            raise
        if self.tape is not None and (whole or self._unsent):  # else the frame was dropped
            self.tape.put(frame, now)
        return whole

    def _write(self, message: bytes | bytearray, now: float) -> bool:
        """Write one message now. True when all of it went out."""
        sent = self._port.send_nowait(message)
        if sent == MESSAGE_BYTES:
            self._progress_at = now
            return True
        if sent:
            self._unsent = bytes(message[sent:])
        else:
            self.frames_dropped += 1
        self._note_progress(sent, now)
        return False

    def _note_progress(self, sent: int, now: float) -> None:
        if sent:
            self._progress_at = now
        elif now - self._progress_at > STALL_SECONDS:
            self.end("stalled", f"the peer has read nothing for {STALL_SECONDS:.0f} s")

    def _say_hangup(self, now: float) -> None:
        if not self._said_hangup and not self._unsent:  # within a frame it would be a sample
            self._said_hangup = True
            self._unsent = HANGUP
            self.finish(now)

    def _take_frame(self, frame: memoryview) -> None:
        """The rule, without the detours: 20 ms at 8 kHz."""
        self._surplus.taken += FRAME_SAMPLES
        self.ring.append(frame)
        if self.gate.feed(self._vad.is_speech(frame, RATE, FRAME_SAMPLES)):
            self._gate_moved()

    def _take_frames(self, count: int) -> int:
        """What a stall held back costs no more than what came on time. Returns the bytes that were plain frames."""
        begin = 0
        while begin + MESSAGE_BYTES <= count and _inbound.startswith(HEADER, begin):
            self._take_frame(_inbound_view[begin + len(HEADER) : begin + MESSAGE_BYTES])
            begin += MESSAGE_BYTES
        return begin

    def _take_bytes(self, begin: int, count: int) -> None:
        self._decoder.feed(_inbound_view[begin:count])
        while (message := self._decoder.next_message()) is not None:
            self._take_message(message)

    def _take_message(self, message: Message) -> None:  # 0x02 and 0xff are known, and nothing to do
        match message:
            case Audio(rate=rate, slin=slin):
                if rate == RATE and self._cadence.too_thin(len(slin), self.heard_at):
                    self._say_hangup(self.heard_at)
                    self.end("raw_codec", MEND)
                self._take_audio(slin if rate == RATE and self._resampler is None else self._resampled(slin, rate))
            case Digit(digit=digit):
                self._mark(DigitPressed(digit, self.ring.end))
            case Identify(uuid=uuid):
                self._mark(Identified(uuid))
            case Hangup():
                self.end("hangup", "the peer sent a hang-up message")

    def _take_audio(self, slin: bytes) -> None:
        """Audio of any length: the detector wants 20 ms at a time."""
        rest = self._partial_frame + slin
        whole = len(rest) - len(rest) % FRAME_BYTES
        frames = [rest[begin : begin + FRAME_BYTES] for begin in range(0, whole, FRAME_BYTES)]
        self._partial_frame = rest[whole:]
        self._take(slin, [self._vad.is_speech(frame, RATE, FRAME_SAMPLES) for frame in frames])

    def _take(self, slin: bytes | memoryview, voiced: Sequence[bool]) -> None:
        """Keep audio; but silence is left out while the ring is ahead of time, so that it tells call time again."""
        self._surplus.taken += len(slin) >> 1
        if not self._ahead or self.gate.open or any(voiced):
            self.ring.append(slin)
        for verdict in voiced:
            if self.gate.feed(verdict):
                self._gate_moved()

    def _gate_moved(self) -> None:
        if self.gate.open:
            self.confirm = max(self.confirm, self.ring.start, self.ring.end - 8 * FRAME_SAMPLES)
        else:
            self.mark_speech(self.tracker.close())

    def _fill_hole(self, frames: int, now: float) -> None:
        """The caller's side is silent without frames (mute, DTX, hold, a key held down): time goes on all the same."""
        if self._resampler is not None and (rest := self._resampler.flush()):
            self._take_audio(rest)
        self.ring.append_silence(frames * FRAME_SAMPLES)
        for _ in range(min(frames, 50)):
            if self.gate.feed(False):
                self._gate_moved()
        if now - self.heard_at > self.no_media_seconds:
            self.end("no_media", f"no audio from the peer for {self.no_media_seconds:.0f} s")

    def _resampled(self, slin: bytes, rate: int) -> bytes:
        self._resampler = self._resampler or Resampler()
        return self._resampler.feed(slin, rate)

    def _mark(self, mark: Mark) -> None:
        try:
            self._marks_in.send_nowait(mark)
        except trio.WouldBlock:
            self.end("flood", "more events than a caller can make")
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            pass  # nobody listens any more
