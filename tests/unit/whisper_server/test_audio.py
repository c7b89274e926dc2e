"""Bytes, samples, windows: nothing is lost at any cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from whisper_server.audio import AudioWindow, Encoding, SampleReader, for_model, quietest_point

chunks = st.lists(st.binary(max_size=50), max_size=20)


@given(chunks)
def test_any_cut_of_the_bytes_gives_the_same_samples(pieces: list[bytes]) -> None:
    reader = SampleReader(Encoding.LINEAR16)
    found = [sample for piece in pieces for sample in reader.read(piece).tolist()]
    whole = b"".join(pieces)
    assert found == np.frombuffer(whole[: len(whole) & ~1], "<i2").tolist()


def test_g711_tables_at_the_points_that_the_standard_names() -> None:
    mulaw, alaw = SampleReader(Encoding.MULAW), SampleReader(Encoding.ALAW)
    assert mulaw.read(bytes([0x00, 0x80, 0xFF, 0x7F, 0xF0])).tolist() == [-32124, 32124, 0, 0, 120]
    assert alaw.read(bytes([0xD5, 0x55, 0xAA, 0x2A, 0x80])).tolist() == [8, -8, 32256, -32256, 5504]


@given(st.lists(st.integers(0, 30), max_size=20), st.data())
def test_a_window_reads_by_absolute_position(sizes: list[int], data: st.DataObject) -> None:
    window = AudioWindow()
    total, kept = 0, 0
    for size in sizes:
        window.append(np.arange(total, total + size, dtype=np.int16))
        total += size
        kept = max(kept, data.draw(st.integers(0, total)))
        window.forget_before(kept)
        start = data.draw(st.integers(kept, total))
        end = data.draw(st.integers(start, total))
        assert window.read(start, end).tolist() == list(range(start, end))
    assert window.end == total


def test_the_quietest_point_is_in_the_gap() -> None:
    samples = np.full(8000, 5000, np.int16)
    samples[3000:4200] = 3
    assert 3400 <= quietest_point(samples, 8000) <= 3800
    assert quietest_point(samples[:10], 8000) == 5


def test_8_khz_is_doubled_for_the_model() -> None:
    samples = np.zeros(8000, np.int16)
    assert len(for_model(samples, 8000)) == 16_000
    assert for_model(np.full(4, 16384, np.int16), 16_000).tolist() == [0.5] * 4
