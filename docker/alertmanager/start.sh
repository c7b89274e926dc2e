#!/bin/sh
# Alertmanager reads no environment: the chat's number is put into its configuration here. Without a token and a chat it
# runs all the same, with its page alone, and says so.
set -eu
config=/tmp/alertmanager.yml
if [ -s "${TELEGRAM_TOKEN_FILE:=/secrets/telegram_bot_token}" ] && [ -n "${TELEGRAM_CHAT_ID:-}" ]; then
    case $TELEGRAM_CHAT_ID in
    *[!0-9-]*) echo "TELEGRAM_CHAT_ID: a number is wanted, -1001234567890 for a group (it is '$TELEGRAM_CHAT_ID')" >&2 && exit 2 ;;
    esac
    sed -e "s|chat_id: 1\$|chat_id: $TELEGRAM_CHAT_ID|" -e "s|/secrets/telegram_bot_token|$TELEGRAM_TOKEN_FILE|" \
        "${0%/*}/alertmanager.yml" >"$config"
else
    echo "no alert will reach Telegram: put the bot's token into $TELEGRAM_TOKEN_FILE and set TELEGRAM_CHAT_ID" >&2
    sed -e 's|receiver: telegram|receiver: nobody|' "${0%/*}/alertmanager.yml" >"$config"
fi
exec alertmanager --config.file="$config" --storage.path=/alertmanager --cluster.listen-address= "$@"
