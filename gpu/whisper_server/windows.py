"""How much sound the model is given for how much speech: a few sizes instead of Whisper's 30 s.

The window is cut to the utterance, for the encoder's work grows with it. With less than about 5 s of silence after
short speech the base model repeats itself to fill the window, so a window is never under 8 s: measured on 40 Russian
prompts (base, int8, greedy) as 35 % of words wrong at speech + 1 s, 28 % at 6 s, 20 % at 8 s, the same as at 12 s.
A window of 4 s is out of the question for the same reason.

Silence in front of short answers: of 22 words and numbers of under 1.1 s (base, five beams) 14 or 15 came right with
0 to 0.7 s of it, 11 with 1 s and 10 with 2 s, where words come twice. The pre-roll of a call is within that.
"""

# Few enough that calls meet in one batch, near enough that little is decoded for nothing: of telephone speech nearly
# all is under 6 s.
WINDOWS_SECONDS = (8.0, 10.0, 12.0, 15.0, 20.0, 30.0)
TAIL_SECONDS = 2.0


def window_seconds(speech_seconds: float) -> float:
    """Return the window for this much speech, its silence behind included."""
    needed = speech_seconds + TAIL_SECONDS
    return next((window for window in WINDOWS_SECONDS if window >= needed), WINDOWS_SECONDS[-1])
