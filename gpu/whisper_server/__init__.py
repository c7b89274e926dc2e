"""whisper-server: Faster-Whisper behind Google's Speech services."""
