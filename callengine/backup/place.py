"""Where backups are kept: anything that rclone knows, asked through rclone."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from callengine.backup.copies import DUMP, PAGE, Copy, read_page, whole
from callengine.backup.programs import BackupError, Program, found, output_of
from callengine.errors import ConfigError

S3 = "s3://"
NO_SUCH_FOLDER = 3  # docs of rclone: "List of exit codes"
# What rclone does where nobody told it otherwise: credentials from AWS_… variables, no bucket made, no hour of retries.
# 16 MiB a part: S3 takes 10,000 parts, so a dump may have 160 GB.
MANNERS = {
    "RCLONE_S3_ENV_AUTH": "true",
    "RCLONE_S3_NO_CHECK_BUCKET": "true",
    "RCLONE_S3_CHUNK_SIZE": "16M",
    "RCLONE_RETRIES": "2",
    "RCLONE_LOW_LEVEL_RETRIES": "4",
    "RCLONE_CONTIMEOUT": "15s",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of backups. `name` is what people call it, `remote` what rclone does."""

    name: str
    remote: str
    rclone: str

    async def files(self) -> Sequence[str]:
        """The names of all files; none where there is no such folder yet. Raises BackupError."""
        try:
            listed = json.loads(await output_of(self.program("lsjson", "--files-only", self.remote)))
        except BackupError as error:
            if error.status == NO_SUCH_FOLDER:
                return ()
            raise
        return tuple(file["Name"] for file in listed)

    async def copy(self, name: str = "") -> Copy:
        """The backup of that name, or the newest whole one. Raises BackupError."""
        names = whole(await self.files())
        if not names or (name and name not in names):
            wanted = f"no whole backup {name}" if name else "no whole backup"
            here = f"there are {len(names)}, {names[0]} to {names[-1]}" if names else "see --from and BACKUP_TO"
            raise BackupError(f"{wanted} at {self.name}: {here}")
        chosen = name or names[-1]
        page = await output_of(self.program("cat", self.at(chosen + PAGE)))
        try:
            copy = read_page(page)
        except ValueError as error:
            raise BackupError(f"{self.name}/{chosen}{PAGE}: {error}") from None
        if copy.name != chosen:
            raise BackupError(f"{self.name}/{chosen}{PAGE} describes another backup, {copy.name}")
        return copy

    async def delete(self, file: str) -> None:
        """Delete one file. Raises BackupError."""
        await output_of(self.program("deletefile", self.at(file)))

    async def put_page(self, copy: Copy) -> None:
        """Make a backup whole. Raises BackupError."""
        await output_of(self.program("rcat", self.at(copy.name + PAGE)), copy.page())

    def writes_dump(self, name: str) -> Program:
        """What puts a dump there from its input."""
        return self.program("rcat", self.at(name + DUMP))

    def reads_dump(self, name: str) -> Program:
        """What gets it."""
        return self.program("cat", self.at(name + DUMP))

    def at(self, file: str) -> str:
        """A file as rclone calls it."""
        return f"{self.remote}{file}" if self.remote.endswith((":", "/")) else f"{self.remote}/{file}"

    def program(self, *words: str) -> Program:
        """rclone with our manners, where its own variables do not say otherwise."""
        provider = "Other" if os.environ.get("RCLONE_S3_ENDPOINT") else "AWS"
        manners = {**MANNERS, "RCLONE_S3_PROVIDER": provider}
        return Program((self.rclone, *words), {name: os.environ.get(name) or value for name, value in manners.items()})


def place_of(text: str, variable: str) -> Place:
    """A place as people write it: s3://BUCKET/FOLDER, a folder of this machine, or REMOTE:PATH of rclone's own
    configuration. Raises ConfigError naming `variable`."""
    bucket = text.removeprefix(S3).strip("/")
    if text.startswith(S3):
        remote = f":s3:{bucket}"
    elif text.startswith(("/", "./", "../")) or ":" in text:
        remote = text
    else:
        bucket = ""
    if not bucket:
        problem = f"must be s3://bucket/folder, /a/folder or rclone's remote:path, not {text!r}"
        raise ConfigError(variable, problem)
    return Place(text.rstrip("/") or text, remote, found("rclone"))
