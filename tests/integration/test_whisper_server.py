"""A real whisper-server with the base model, through Google's own clients, on recorded human speech."""

import itertools
import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
import jiwer
import pytest
from google.cloud import speech_v1, speech_v2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.google_clients import (
    SECOND,
    audio_v2,
    client_v1,
    client_v2,
    config_v1,
    config_v2,
    opening_v2,
    plain,
    sentences,
)
from tests.speech import FIXTURES, Clip, load

pytestmark = pytest.mark.integration

SHORT = speech_v2.StreamingRecognitionFeatures.EndpointingSensitivity.ENDPOINTING_SENSITIVITY_SHORT
EVENT = speech_v2.StreamingRecognizeResponse.SpeechEventType
# The base model measures 20 % on such prompts; a broken window, rate or prompt gives 50 % and more.
MOST_WORDS_WRONG = 0.35
PAUSE = b"\0" * SECOND


@pytest.fixture
def channel(whisper_address: str) -> Iterator[grpc.Channel]:
    """A channel of its own for each test."""
    with grpc.insecure_channel(whisper_address) as channel:
        yield channel


def prompts(count: int, language: str = "ru") -> list[Clip]:
    return sentences(language)[:count]


def finals(responses: list[Any]) -> list[Any]:
    return [result for response in responses for result in response.results if result.is_final]


def kind(response: Any) -> str:
    if response.speech_event_type:
        return str(response.speech_event_type.name)
    return "final" if response.results else "billed"


def test_v2_stream_of_many_utterances(channel: grpc.Channel) -> None:
    spoken = prompts(8)
    audio = PAUSE + b"".join(clip.slin + PAUSE for clip in spoken)
    opening = opening_v2(interim_results=True, enable_voice_activity_events=True, endpointing_sensitivity=SHORT)
    requests = itertools.chain([opening], audio_v2(audio))
    responses = list(client_v2(channel).streaming_recognize(requests=requests, timeout=120))
    said = finals(responses)
    text = "".join(result.alternatives[0].transcript for result in said)
    assert jiwer.wer(plain(" ".join(clip.text for clip in spoken)), plain(text)) < MOST_WORDS_WRONG
    assert text == text.strip()
    assert all(result.alternatives[0].transcript.startswith(" ") for result in said[1:])
    assert all(0 < result.alternatives[0].confidence <= 1 for result in said)
    ends = [result.result_end_offset.total_seconds() for result in said]
    assert ends == sorted(set(ends))
    assert 0 < ends[0] < ends[-1] <= len(audio) / SECOND
    activity = [response.speech_event_type for response in responses if response.speech_event_type]
    assert activity == [EVENT.SPEECH_ACTIVITY_BEGIN, EVENT.SPEECH_ACTIVITY_END] * (len(activity) // 2)
    assert len(activity) // 2 >= len(said)
    assert {response.metadata.total_billed_duration.total_seconds() for response in responses[:-1]} == {0}
    assert responses[-1].metadata.total_billed_duration.total_seconds() == math.ceil(len(audio) / SECOND)
    assert len({response.metadata.request_id for response in responses}) == 1
    for response in responses:
        kinds = [(result.is_final, round(result.stability, 1)) for result in response.results]
        assert kinds in ([], [(True, 0.0)], [(False, 0.9)], [(False, 0.1)], [(False, 0.9), (False, 0.1)])


def test_english_and_detected_language(channel: grpc.Channel) -> None:
    clip = sentences("en")[0]
    for language in ("en-US", "auto"):
        opening = opening_v2(config_v2(language=language))
        responses = list(
            client_v2(channel).streaming_recognize(
                requests=itertools.chain([opening], audio_v2(clip.slin + PAUSE)), timeout=60
            )
        )
        text = "".join(result.alternatives[0].transcript for result in finals(responses))
        assert jiwer.wer(plain(clip.text), plain(text)) < MOST_WORDS_WRONG
        assert {result.language_code for result in finals(responses)} == {"en"}


def test_a_short_answer_is_said_once(channel: grpc.Channel) -> None:
    """Searched as longer speech was, and without times, it is "July July"."""
    clip = next(clip for clip in load(FIXTURES / "en") if clip.name == "digits-mon-6")
    opening = opening_v2(config_v2(language="en-US"), endpointing_sensitivity=SHORT)
    requests = itertools.chain([opening], audio_v2(PAUSE + clip.slin + PAUSE))
    responses = list(client_v2(channel).streaming_recognize(requests=requests, timeout=60))
    assert [plain(result.alternatives[0].transcript) for result in finals(responses)] == [plain(clip.text)]


def test_v1_helper_with_word_times_and_a_flush(channel: grpc.Channel) -> None:
    clip = prompts(1)[0]
    streaming = speech_v1.StreamingRecognitionConfig(config=config_v1(enable_word_time_offsets=True))
    chunks = (
        speech_v1.StreamingRecognizeRequest(audio_content=clip.slin[start : start + 1600])
        for start in range(0, len(clip.slin), 1600)
    )
    # No silence follows: the half-close has to flush the final.
    responses = list(client_v1(channel).streaming_recognize(streaming, chunks, retry=None, timeout=60))
    [result] = [result for response in responses for result in response.results]
    words = result.alternatives[0].words
    assert result.is_final
    assert plain(" ".join(word.word for word in words)) == plain(result.alternatives[0].transcript)
    times = [(word.start_time.total_seconds(), word.end_time.total_seconds()) for word in words]
    assert all(start <= end for start, end in times)
    assert times == sorted(times)
    assert times[-1][1] <= result.result_end_time.total_seconds() <= len(clip.slin) / SECOND + 0.001


def test_unary_recognize_v1_and_v2(channel: grpc.Channel) -> None:
    clip = prompts(1)[0]
    first = client_v1(channel).recognize(
        config=config_v1(enable_automatic_punctuation=False),
        audio=speech_v1.RecognitionAudio(content=clip.slin),
        retry=None,
        timeout=60,
    )
    request = speech_v2.RecognizeRequest(
        recognizer="projects/p/locations/l/recognizers/_", config=config_v2(), content=clip.slin
    )
    second = client_v2(channel).recognize(request=request, timeout=60)
    bare, full = first.results[0].alternatives[0].transcript, second.results[0].alternatives[0].transcript
    assert plain(full) == bare
    assert jiwer.wer(plain(clip.text), bare) < MOST_WORDS_WRONG


def test_single_utterance_stops_the_stream_itself(channel: grpc.Channel) -> None:
    clip = prompts(1)[0]
    streaming = speech_v1.StreamingRecognitionConfig(config=config_v1(), single_utterance=True)
    audio = (clip.slin + PAUSE) * 5
    chunks = (
        speech_v1.StreamingRecognizeRequest(audio_content=audio[start : start + 1600])
        for start in range(0, len(audio), 1600)
    )
    responses = list(client_v1(channel).streaming_recognize(streaming, chunks, retry=None, timeout=60))
    kinds = [kind(response) for response in responses]
    assert kinds == ["END_OF_SINGLE_UTTERANCE", "final", "billed"]


def test_a_stream_in_which_nobody_speaks_ends_itself_where_that_was_asked_for(channel: grpc.Channel) -> None:
    clip = prompts(1)[0]
    endless = itertools.chain([clip.slin], itertools.repeat(PAUSE))
    chunks = (
        speech_v1.StreamingRecognizeRequest(audio_content=slin[start : start + 1600])
        for slin in endless
        for start in range(0, len(slin), 1600)
    )
    timeout = speech_v1.StreamingRecognitionConfig.VoiceActivityTimeout(speech_end_timeout=timedelta(seconds=1))
    streaming = speech_v1.StreamingRecognitionConfig(
        config=config_v1(), enable_voice_activity_events=True, voice_activity_timeout=timeout
    )
    responses = list(client_v1(channel).streaming_recognize(streaming, chunks, retry=None, timeout=60))
    kinds = [kind(response) for response in responses]
    assert kinds[-2:] == ["SPEECH_ACTIVITY_TIMEOUT", "billed"]
    assert kinds[-3] == "final"
    patience = speech_v2.StreamingRecognitionFeatures.VoiceActivityTimeout(speech_start_timeout=timedelta(seconds=2))
    requests = itertools.chain([opening_v2(voice_activity_timeout=patience)], itertools.cycle(audio_v2(PAUSE)))
    assert list(client_v2(channel).streaming_recognize(requests=requests, timeout=60)) == []


def test_phrases_that_the_client_expects_do_not_spoil_the_text(channel: grpc.Channel) -> None:
    clip = prompts(1)[0]
    context = speech_v1.SpeechContext(phrases=["шиномонтаж", "Нокиан", "балансировка"])
    answer = client_v1(channel).recognize(
        config=config_v1(speech_contexts=[context]),
        audio=speech_v1.RecognitionAudio(content=clip.slin),
        retry=None,
        timeout=60,
    )
    text = answer.results[0].alternatives[0].transcript
    assert jiwer.wer(plain(clip.text), plain(text)) < MOST_WORDS_WRONG
    assert answer.total_billed_time.total_seconds() == math.ceil(len(clip.slin) / SECOND)


def test_silence_gives_no_message_and_ok(channel: grpc.Channel) -> None:
    opening = opening_v2(interim_results=True, enable_voice_activity_events=True)
    requests = itertools.chain([opening], audio_v2(PAUSE * 5))
    assert list(client_v2(channel).streaming_recognize(requests=requests, timeout=60)) == []


def test_health_and_reflection(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "google.cloud.speech.v1.Speech", "google.cloud.speech.v2.Speech"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as unknown:
        stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=60)
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND
    listing = reflection_pb2.ServerReflectionRequest(list_services="")
    [answer] = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([listing]), timeout=60)
    assert "google.cloud.speech.v2.Speech" in {service.name for service in answer.list_services_response.service}
