"""espeak-ng through ctypes, as much of it as a voice needs. One instance a process: the library is global.

Structures and constants are those of espeak-ng's `speak_lib.h` (API revision 12).
"""

import ctypes
from collections.abc import Callable
from pathlib import Path

import espeakng_loader
import numpy as np

from backends.tts.shaping import Samples
from callengine.errors import SynthesisError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: speech goes to the callback, espeak_Synth returns when it is made
_BUFFER_MS = 400  # made in half a millisecond; smaller ones only cost calls of the callback
_CHARACTERS = 1  # POS_CHARACTER
_UTF8 = 1  # espeakCHARS_UTF8
_RATE = 1  # espeakRATE, in words per minute
_WORDS_PER_MINUTE = 175
_SLOWEST, _FASTEST = 80, 450
_END_OF_LIST, _WORD = 0, 1
_OK = 0


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))

# Called with samples and the words heard of so far: (index of the first character, sample where it begins).
OnSpeech = Callable[[Samples, list[tuple[int, int]]], None]


class EspeakLibrary:
    """The library, initialised. `rate` is the rate of its speech in hertz."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        path = espeakng_loader.get_data_path()
        self._variants = Path(path) / "voices" / "!v"
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, path.encode(), 0)
        if self.rate <= 0:
            raise SynthesisError(f"espeak-ng does not start: no voice data in {path!r}", retryable=False)
        self._voice = ""
        self._on_speech: OnSpeech | None = None
        self._fault: OSError | None = None
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def set_voice(self, name: str) -> None:
        """Choose an espeak voice, `ru` or `en-us+f3`. Raises SynthesisError."""
        if name == self._voice:  # choosing one again costs 5 ms, as much as a prompt
            return
        variant = name.partition("+")[2]  # espeak takes an unknown variant for none
        if variant and not (self._variants / variant).is_file():
            raise SynthesisError(f"espeak-ng has no variant {variant!r} of a voice (try f3 or m3)", retryable=False)
        self._voice = ""
        if self._library.espeak_SetVoiceByName(name.encode()) != _OK:
            raise SynthesisError(f"espeak-ng has no voice {name!r}", retryable=False)
        self._voice = name

    def speak(self, text: str, rate: float, on_speech: OnSpeech) -> None:
        """Speak a text; `on_speech` gets it in pieces, its OSError comes out here. Raises SynthesisError."""
        words_per_minute = round(min(max(_WORDS_PER_MINUTE * rate, _SLOWEST), _FASTEST))
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._on_speech, self._fault = on_speech, None
        data = text.encode()
        status = self._library.espeak_Synth(data, len(data) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
        if self._fault is not None:
            raise self._fault
        if status != _OK:
            raise SynthesisError(f"espeak-ng could not speak (status {status})", retryable=True)

    def _take(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        words = []
        at = 0
        while events[at].type != _END_OF_LIST:
            if events[at].type == _WORD:
                words.append((events[at].text_position - 1, events[at].sample))
            at += 1
        samples = np.ctypeslib.as_array(wave, (count,)).copy() if wave and count else np.zeros(0, np.int16)
        assert self._on_speech is not None
        try:
            self._on_speech(samples, words)
        except OSError as error:  # nothing may leave a C callback; it is raised again where Python called
            self._fault = error
            return 1
        return 0
