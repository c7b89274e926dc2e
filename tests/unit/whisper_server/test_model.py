"""What whisper-server says where the machine has not what it was told to use: one line, before it serves."""

import ctranslate2
import pytest
from whisper_server import model
from whisper_server.errors import StartError
from whisper_server.model import load_decoder, plan
from whisper_server.settings import load_settings


@pytest.mark.parametrize(("device", "gpus", "planned"), [("auto", 0, "cpu"), ("auto", 1, "cuda"), ("cpu", 1, "cpu")])
def test_the_gpu_is_taken_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, device: str, gpus: int, planned: str
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    monkeypatch.setenv("WHISPER_DEVICE", device)
    assert plan(load_settings()).device == planned


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    monkeypatch.setenv("WHISPER_DEVICE", "cuda")
    with pytest.raises(StartError, match=r"^WHISPER_DEVICE: cuda, and no GPU is seen here: nvidia-smi must show one"):
        plan(load_settings())


def test_a_gpu_without_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(model, "model_folder", lambda name, cache: cache)
    monkeypatch.setattr(model, "WhisperModel", refuse)
    settings = load_settings()
    with pytest.raises(StartError) as refused:
        load_decoder(plan(settings), settings)
    assert str(refused.value) == (
        "WHISPER_MODEL: large-v3 on cuda as float16 cannot be loaded: "
        "Library libcublas.so.12 is not found or cannot be loaded"
    )
