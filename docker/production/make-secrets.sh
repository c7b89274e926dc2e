#!/bin/sh
# Variant B's passwords, one file each, in docker/secrets or the folder that is named. What is there stays as it is.
# The containers read them as group 10001, so run it as root: sudo sh docker/production/make-secrets.sh
set -eu
folder=${1:-$(dirname "$0")/../secrets}
umask 027
mkdir -p "$folder"

put() { # NAME TEXT
    [ -s "$folder/$1" ] || printf %s "$2" >"$folder/$1"
}
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

for name in postgres_password replication_password redis_password grafana_password api_token; do
    put "$name" "$(random)"
done
database=callengine:$(cat "$folder/postgres_password")
# The one of the two that can be written to, so that a standby that was promoted is found without a new setting.
put database_url "postgresql://$database@postgres:5432,postgres-replica:5432/callengine?target_session_attrs=read-write"
put database_replica_url "postgresql://$database@postgres-replica:5432/callengine"
put redis_url "redis://:$(cat "$folder/redis_password")@redis-1:6379,redis-2:6379,redis-3:6379/0?cluster=true"

if ! chgrp -R 10001 "$folder"; then
    echo "the files are made, but the containers cannot read them: run this as root" >&2
    exit 1
fi
chmod 750 "$folder"
chmod 640 "$folder"/*
