#!/bin/bash
# Dumps the database in PostgreSQL's custom format. A dump appears under its final name only when it is complete and
# readable; then the oldest ones beyond BACKUP_KEEP are removed.
set -euo pipefail
umask 077
name="$BACKUP_DIR/$(date -u +%Y%m%dT%H%M%SZ).dump"
# what an interrupted run left behind
rm -f "$BACKUP_DIR"/*.part
# the URL holds the password: it goes through a file that only this user reads, never through the list of processes
url=$(< "$DATABASE_URL_FILE")
scheme=${url%%://*}
rest=${url#*://}
if [[ $rest == *@* ]]; then
  login=${rest%%@*}
  rest=${rest#*@}
  if [[ $login == *:* ]]; then
    password=${login#*:}
    login=${login%%:*}
    # %40 in a URL is @; in the password file \ and : are escaped
    password=$(printf '%b' "${password//%/\\x}")
    password=${password//\\/\\\\}
    printf '*:*:*:*:%s\n' "${password//:/\\:}" > /tmp/pgpass
    chmod 600 /tmp/pgpass
    export PGPASSFILE=/tmp/pgpass
  fi
  rest="$login@$rest"
fi
pg_dump --format=custom --compress=6 --no-password --file="$name.part" --dbname="$scheme://$rest"
pg_restore --list "$name.part" > /dev/null
sync "$name.part"
mv "$name.part" "$name"
(cd "$BACKUP_DIR" && sha256sum "$(basename "$name")" > "$(basename "$name").sha256")
# names sort by time
ls -1 "$BACKUP_DIR"/*.dump | sort -r | tail -n "+$((BACKUP_KEEP + 1))" | while read -r old; do
  rm -f "$old" "$old.sha256"
done
echo "dump $(basename "$name"): $(wc -c < "$name") bytes; $(ls -1 "$BACKUP_DIR"/*.dump | wc -l) kept"
