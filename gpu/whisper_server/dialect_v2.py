"""`google.cloud.speech.v2.Speech` in terms of our requests and events.

Field names and rules: google-cloud-speech 2.41, `speech_v2/types/cloud_speech.py`. The recognizer's name is
taken as it comes: there is one model here and no stored recognizers.
"""

import grpc
from google.cloud.speech_v2.types import cloud_speech

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
    SILENCE_MS,
    Request,
    checked_channels,
    checked_encoding,
    checked_languages,
    checked_model,
    checked_rate,
)

SERVICE = "google.cloud.speech.v2.Speech"
StreamingRequest: Message = cloud_speech.StreamingRecognizeRequest.pb()
StreamingResponse: Message = cloud_speech.StreamingRecognizeResponse.pb()
UnaryRequest: Message = cloud_speech.RecognizeRequest.pb()
UnaryResponse: Message = cloud_speech.RecognizeResponse.pb()
NO_AUDIO = Refused(grpc.StatusCode.ABORTED, "Stream timed out after receiving no more client requests.")
TOO_LONG = Refused(grpc.StatusCode.ABORTED, "Max duration of 5 minutes reached for stream.")
# v2 has no such event: the stream just closes.
TELLS_TIMEOUT = False
_ENCODINGS = {1: Encoding.LINEAR16, 2: Encoding.MULAW, 3: Encoding.ALAW}
_EVENT = cloud_speech.StreamingRecognizeResponse.SpeechEventType
# EndpointingSensitivity: unspecified, standard, supershort, short.
_SILENCE_MS = {
    0: SILENCE_MS["STANDARD"],
    1: SILENCE_MS["STANDARD"],
    2: SILENCE_MS["SUPERSHORT"],
    3: SILENCE_MS["SHORT"],
}


def has_config(message: Message) -> bool:
    """Tell whether a streaming message carries a configuration."""
    return bool(message.HasField("streaming_config"))


def audio(message: Message) -> bytes:
    """Return the audio of a streaming message."""
    return bytes(message.audio)


def streaming_request(message: Message, served: str) -> Request:
    """Read the first message. Raises `Refused`."""
    streaming = message.streaming_config
    return _request(streaming.config, streaming.streaming_features, served)


def unary_request(message: Message, served: str) -> tuple[Request, bytes]:
    """Read a Recognize request and its audio. Raises `Refused`."""
    if message.uri:
        raise invalid("Invalid recognition audio: a URI cannot be read here; send the audio as content.")
    no_streaming = cloud_speech.StreamingRecognitionFeatures.pb()()
    return _request(message.config, no_streaming, served), bytes(message.content)


def _request(config: Message, streaming: Message, served: str) -> Request:
    if not config.HasField("explicit_decoding_config"):
        raise invalid("Invalid recognition config: explicit_decoding_config is missing; audio here has no header.")
    decoding = config.explicit_decoding_config
    checked_channels(decoding.audio_channel_count)
    checked_model(config.model, served)
    return Request(
        encoding=checked_encoding(decoding.encoding, _ENCODINGS),
        rate=checked_rate(decoding.sample_rate_hertz),
        languages=checked_languages(list(config.language_codes)),
        interim=streaming.interim_results,
        voice_events=streaming.enable_voice_activity_events,
        silence_ms=_SILENCE_MS.get(streaming.endpointing_sensitivity, SILENCE_MS["STANDARD"]),
        punctuation=config.features.enable_automatic_punctuation,
        word_times=config.features.enable_word_time_offsets,
        word_confidence=config.features.enable_word_confidence,
        hints=_hints(config),
        start_timeout=optional_seconds(streaming.voice_activity_timeout, "speech_start_timeout"),
        end_timeout=optional_seconds(streaming.voice_activity_timeout, "speech_end_timeout"),
    )


def _hints(config: Message) -> tuple[str, ...]:
    sets = (given.inline_phrase_set for given in config.adaptation.phrase_sets)
    return tuple(phrase.value for phrases in sets for phrase in phrases.phrases)


def streaming_response(event: Event) -> Message:
    """Say one event."""
    response = StreamingResponse()
    match event:
        case SpeechActivity(began, at):
            response.speech_event_type = _EVENT.SPEECH_ACTIVITY_BEGIN if began else _EVENT.SPEECH_ACTIVITY_END
            response.speech_event_offset.CopyFrom(duration(at))
        case SingleUtteranceOver(at):
            response.speech_event_type = _EVENT.END_OF_SINGLE_UTTERANCE
            response.speech_event_offset.CopyFrom(duration(at))
        case ActivityTimeout():
            raise AssertionError("v2 has no event for a time-out")
        case Interim(stable, tail, end, language):
            for text, stability in ((stable, STABLE), (tail, UNSTABLE)):
                if text:
                    result = response.results.add(stability=stability, language_code=language)
                    result.result_end_offset.CopyFrom(duration(end))
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
    response.metadata.request_id = str(request_id)
    if billed_seconds is not None:
        response.metadata.total_billed_duration.CopyFrom(duration(billed_seconds))


def _say_final(result: Message, final: Final) -> None:
    result.language_code = final.language
    result.result_end_offset.CopyFrom(duration(final.end))
    alternative = result.alternatives.add(transcript=final.text, confidence=final.confidence)
    for word in final.words:
        alternative.words.add(
            word=word.text,
            start_offset=duration(word.start),
            end_offset=duration(word.end),
            confidence=word.confidence,
        )
