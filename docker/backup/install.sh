#!/bin/sh
# The programs of the image `backup`: pg_dump and pg_restore of PostgreSQL 16 from PostgreSQL's own packages (bookworm has
# 15), rclone and age from Debian. https://wiki.postgresql.org/wiki/Apt
set -eu
apt-get update
apt-get install -y --no-install-recommends ca-certificates postgresql-common
/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y
apt-get install -y --no-install-recommends postgresql-client-16 rclone age
rm -rf /var/lib/apt/lists/*
