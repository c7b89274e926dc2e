"""The message that nearly all messages of a call are: 20 ms of 8 kHz slin."""

from callengine.media.audio import FRAME_BYTES, SILENCE_FRAME

HEADER = b"\x10\x01\x40"  # 320 bytes of 8 kHz slin
MESSAGE_BYTES = len(HEADER) + FRAME_BYTES
SILENCE_MESSAGE = HEADER + SILENCE_FRAME
READ_BYTES = 16384  # a second of 8 kHz at once, or two frames of 192 kHz: never slower than the peer
