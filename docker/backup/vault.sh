#!/bin/sh
# The secrets of this machine (.env, secrets/) as one encrypted file that may lie in Git beside the configuration.
#   docker/backup/vault.sh seal age1…        .env and secrets/ -> vault.age
#   docker/backup/vault.sh open key.txt      vault.age -> .env and secrets/, where there are none yet
# Runs in the folder of compose.yaml; needs age and tar.
set -eu

fail() {
    echo "vault.sh: $1" >&2
    exit "$2"
}

[ $# = 2 ] || fail "say 'seal age1…' or 'open key.txt'" 2
command -v age >/dev/null || fail "age is not installed: apt install age" 2
umask 077
trap 'rm -f vault.tar vault.age.new' EXIT

case $1 in
seal)
    [ -f .env ] || fail "there is no .env here: run it in the folder of compose.yaml" 2
    tar -c -f vault.tar .env secrets
    age --encrypt --recipient "$2" --output vault.age.new vault.tar || fail "nothing was sealed" 1
    mv vault.age.new vault.age
    echo "vault.age is made: git add -f vault.age"
    ;;
open)
    [ ! -e .env ] || fail "there is an .env already: move it away first" 2
    age --decrypt --identity "$2" --output vault.tar vault.age || fail "vault.age was not opened" 1
    tar -x -f vault.tar
    echo ".env and secrets/ are back"
    ;;
*)
    fail "say 'seal age1…' or 'open key.txt'" 2
    ;;
esac
