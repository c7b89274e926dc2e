"""Recorded speech through the engine's ear in real time: its media, its detectors and its recognizer, but no dialog."""
