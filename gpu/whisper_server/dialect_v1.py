"""`google.cloud.speech.v1.Speech` in terms of our requests and events.

Field names and rules: google-cloud-speech 2.41, `speech_v1/types/cloud_speech.py`.
"""

import grpc
from google.cloud.speech_v1.types import cloud_speech

from whisper_server.audio import Encoding
from whisper_server.dialect import Message, duration, optional_seconds
from whisper_server.errors import Refused, invalid
from whisper_server.events import (
    STABLE,
    UNSTABLE,
    ActivityTimeout,
    Event,
    Final,
    Interim,
    SingleUtteranceOver,
    SpeechActivity,
)
from whisper_server.request import (
    Request,
    checked_channels,
    checked_encoding,
    checked_languages,
    checked_model,
    checked_rate,
)

SERVICE = "google.cloud.speech.v1.Speech"
StreamingRequest: Message = cloud_speech.StreamingRecognizeRequest.pb()
StreamingResponse: Message = cloud_speech.StreamingRecognizeResponse.pb()
UnaryRequest: Message = cloud_speech.RecognizeRequest.pb()
UnaryResponse: Message = cloud_speech.RecognizeResponse.pb()
NO_AUDIO = Refused(
    grpc.StatusCode.OUT_OF_RANGE,
    "Audio Timeout Error: Long duration elapsed without audio. Audio should be sent close to real time.",
)
TOO_LONG = Refused(grpc.StatusCode.OUT_OF_RANGE, "Exceeded maximum allowed stream duration of 305 seconds.")
TELLS_TIMEOUT = True
_ENCODINGS = {1: Encoding.LINEAR16, 3: Encoding.MULAW}
_EVENT = cloud_speech.StreamingRecognizeResponse.SpeechEventType


def has_config(message: Message) -> bool:
    """Tell whether a streaming message carries a configuration."""
    return bool(message.HasField("streaming_config"))


def audio(message: Message) -> bytes:
    """Return the audio of a streaming message."""
    return bytes(message.audio_content)


def streaming_request(message: Message, served: str) -> Request:
    """Read the first message. Raises `Refused`."""
    streaming = message.streaming_config
    return _request(streaming.config, streaming, served)


def unary_request(message: Message, served: str) -> tuple[Request, bytes]:
    """Read a Recognize request and its audio. Raises `Refused`."""
    if message.audio.uri:
        raise invalid("Invalid recognition audio: a URI cannot be read here; send the audio as content.")
    no_streaming = cloud_speech.StreamingRecognitionConfig.pb()()
    return _request(message.config, no_streaming, served), bytes(message.audio.content)


def _request(config: Message, streaming: Message, served: str) -> Request:
    checked_channels(config.audio_channel_count)
    checked_model(config.model, served)
    return Request(
        encoding=checked_encoding(config.encoding, _ENCODINGS),
        rate=checked_rate(config.sample_rate_hertz),
        languages=checked_languages([config.language_code, *config.alternative_language_codes]),
        interim=streaming.interim_results,
        voice_events=streaming.enable_voice_activity_events,
        punctuation=config.enable_automatic_punctuation,
        word_times=config.enable_word_time_offsets,
        word_confidence=config.enable_word_confidence,
        single_utterance=streaming.single_utterance,
        hints=_hints(config),
        start_timeout=optional_seconds(streaming.voice_activity_timeout, "speech_start_timeout"),
        end_timeout=optional_seconds(streaming.voice_activity_timeout, "speech_end_timeout"),
    )


def _hints(config: Message) -> tuple[str, ...]:
    phrases = [phrase for context in config.speech_contexts for phrase in context.phrases]
    return (*phrases, *(phrase.value for given in config.adaptation.phrase_sets for phrase in given.phrases))


def streaming_response(event: Event) -> Message:
    """Say one event."""
    response = StreamingResponse()
    match event:
        case SpeechActivity(began, at):
            response.speech_event_type = _EVENT.SPEECH_ACTIVITY_BEGIN if began else _EVENT.SPEECH_ACTIVITY_END
            response.speech_event_time.CopyFrom(duration(at))
        case SingleUtteranceOver(at):
            response.speech_event_type = _EVENT.END_OF_SINGLE_UTTERANCE
            response.speech_event_time.CopyFrom(duration(at))
        case ActivityTimeout(at):
            response.speech_event_type = _EVENT.SPEECH_ACTIVITY_TIMEOUT
            response.speech_event_time.CopyFrom(duration(at))
        case Interim(stable, tail, end, language):
            for text, stability in ((stable, STABLE), (tail, UNSTABLE)):
                if text:
                    result = response.results.add(stability=stability, language_code=language)
                    result.result_end_time.CopyFrom(duration(end))
                    result.alternatives.add(transcript=text)
        case Final():
            result = response.results.add(is_final=True)
            _say_final(result, event)
    return response


def unary_response(finals: list[Final]) -> Message:
    """Say all finals of a Recognize request."""
    response = UnaryResponse()
    for final in finals:
        _say_final(response.results.add(), final)
    return response


def sign(response: Message, request_id: int, billed_seconds: int | None) -> None:
    """Write which request it answers, and into the last response how much audio there was."""
    response.request_id = request_id
    if billed_seconds is not None:
        response.total_billed_time.CopyFrom(duration(billed_seconds))


def _say_final(result: Message, final: Final) -> None:
    result.language_code = final.language
    result.result_end_time.CopyFrom(duration(final.end))
    alternative = result.alternatives.add(transcript=final.text, confidence=final.confidence)
    for word in final.words:
        alternative.words.add(
            word=word.text,
            start_time=duration(word.start),
            end_time=duration(word.end),
            confidence=word.confidence,
        )
