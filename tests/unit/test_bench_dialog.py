"""What the bench of a conversation goes by: which words went out by the frames on the wire, and a recogniser that knows
its sounds. Its engine's account must not be the measure of itself."""

import json
from pathlib import Path

import numpy as np

from tests.bench.dialog.calls import SILENCE
from tests.bench.dialog.heard import Account, words_of
from tests.bench.dialog.recogniser import INTERIM_SECONDS, Listening, known
from tests.bench.dialog.sounds import Sound
from tests.bench.stand_in import RATE

FRAME_SAMPLES = 160
TEXT = "Есть зимние шины"
ANSWER = f"{TEXT} {TEXT.upper()}"
WORDS = [(0, 0), (5, 480), (12, 960)]  # three frames each


def noise(seed: int, samples: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return np.random.default_rng(seed).integers(-9000, 9000, samples).astype(np.int16)


def kept(folder: Path, number: int, text: str, samples: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> list[bytes]:
    """A speech as the witness keeps it; its frames."""
    speeches = folder / "speeches"
    speeches.mkdir(exist_ok=True)
    slin = samples.astype("<i2").tobytes()
    (speeches / f"{number:06d}.slin").write_bytes(slin)
    (speeches / f"{number:06d}.json").write_text(json.dumps({"text": text, "words": WORDS}), encoding="utf-8")
    return [slin[at : at + 320] for at in range(0, len(slin), 320)]


def test_a_word_is_out_when_its_frame_is(tmp_path: Path) -> None:
    first = kept(tmp_path, 0, TEXT, noise(1, 9 * FRAME_SAMPLES))
    second = kept(tmp_path, 1, TEXT.upper(), noise(2, 9 * FRAME_SAMPLES))
    account = Account(tmp_path)
    assert words_of(account.follow(first[:3], ANSWER)) == "Есть"
    assert words_of(account.follow(first[:4], ANSWER)) == "Есть зимние"
    heard = account.follow([*first, SILENCE, *second[:1]], ANSWER)
    assert (words_of(heard), heard.begun) == (f"{TEXT} ЕСТЬ", ANSWER)


def test_beginnings_that_are_alike(tmp_path: Path) -> None:
    soft = noise(5, FRAME_SAMPLES)
    speeches = [np.concatenate([soft, noise(seed, 8 * FRAME_SAMPLES)]) for seed in (1, 2, 3)]
    texts = ("Нет", TEXT, TEXT.upper())
    _, first, second = (kept(tmp_path, at, text, speeches[at]) for at, text in enumerate(texts))
    heard = Account(tmp_path).follow([*first, *second[:2]], ANSWER)
    assert (heard.begun, words_of(heard)) == (ANSWER, f"{TEXT} ЕСТЬ")


def test_the_frame_that_falls_is_none_of_the_speech(tmp_path: Path) -> None:
    frames = kept(tmp_path, 0, TEXT, noise(1, 9 * FRAME_SAMPLES))
    falling = (np.frombuffer(frames[3], "<i2") // 2).astype("<i2").tobytes()
    heard = Account(tmp_path).follow([*frames[:3], falling], ANSWER)
    assert (words_of(heard), heard.unknown) == ("Есть", 1)


def test_the_stand_in_s_words_are_believed(tmp_path: Path) -> None:
    """Its speech is louder and has silence before it, which the engine has cut off."""
    told = tmp_path / "told"
    told.mkdir()
    samples = noise(3, 9000)
    frames = kept(tmp_path, 0, TEXT, samples)
    raw = np.concatenate([np.zeros(700, np.int16), samples // 3])
    (told / "000000.slin").write_bytes(raw.astype("<i2").tobytes())
    words = [(0, 700), (5, 700 + 1600), (12, 700 + 3200)]
    (told / "000000.json").write_text(json.dumps({"text": TEXT, "words": words}), encoding="utf-8")
    account = Account(tmp_path, told)
    assert [words_of(account.follow(frames[:count], ANSWER)) for count in (10, 11, 21)] == ["Есть", "Есть зимние", TEXT]


def test_a_sound_is_known_wherever_it_lies_and_its_final_comes_in_time() -> None:
    samples = noise(4, RATE)
    sound = Sound("one", "speech", samples.astype("<i2").tobytes(), "раз два", 800, 6400)
    one = known(sound)
    listening = Listening([(bytes.fromhex(one.key), one)], final_seconds=0.3)
    line = np.concatenate([np.zeros(1234, np.int16), samples, np.zeros(RATE, np.int16)]).astype("<i2").tobytes()
    said = []
    for at in range(0, len(line), 1600):
        for seconds, response in listening.feed(line[at : at + 1600]):
            [result] = response.results
            position = result.result_end_offset.ToTimedelta().total_seconds() * RATE
            said.append((result.alternatives[0].transcript, result.is_final, round(position)))
            delay = 0.3 if result.is_final else INTERIM_SECONDS
            assert abs((listening.position - position) / RATE + seconds - delay) < 0.001
    assert said == [
        ("раз", False, 1234 + 800 + 2400),
        ("раз", False, 1234 + 800 + 4800),
        ("раз два", True, 1234 + 6400),
    ]
