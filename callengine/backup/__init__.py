"""Backups: pg_dump, encrypted by age, at a place that rclone knows; and the way back into an empty database."""
