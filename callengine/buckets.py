"""The bucket for recordings that the settings name."""

from pydantic import SecretStr

from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.services.object_store import Bucket, BucketAccess


def bucket_of(settings: Settings) -> Bucket | None:
    """The bucket, not asked yet; None where there is none. Raises ConfigError."""
    if not settings.recording_s3_url:
        return None
    access_key, secret_key = _secret(settings.recording_s3_access_key), _secret(settings.recording_s3_secret_key)
    if bool(access_key) != bool(secret_key):
        missing = "RECORDING_S3_SECRET_KEY" if access_key else "RECORDING_S3_ACCESS_KEY"
        raise ConfigError(missing, "is not set, and the other half of the pair is")
    endpoint, region = settings.recording_s3_endpoint, settings.recording_s3_region
    return Bucket(BucketAccess(settings.recording_s3_url, endpoint, region, access_key, secret_key))


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
