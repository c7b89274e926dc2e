"""The message that nearly all messages of a call are: 20 ms of 8 kHz slin."""

from callengine.media.audio import SILENCE_FRAME
from callengine.media.audiosocket import HEADER_BYTES, encode_audio

SILENCE_MESSAGE = encode_audio(SILENCE_FRAME)
MESSAGE_BYTES = len(SILENCE_MESSAGE)
HEADER = SILENCE_MESSAGE[:HEADER_BYTES]
READ_BYTES = 16384  # a second of 8 kHz at once, or two frames of 192 kHz: never slower than the peer
