#!/bin/bash
# Restores the newest dump into a PostgreSQL of its own that lives in this pod only, and counts what came back.
set -euo pipefail
newest=$(ls -1 "$BACKUP_DIR"/*.dump 2> /dev/null | sort -r | head -n 1 || true)
if [ -z "$newest" ]; then
  echo "there is no dump in $BACKUP_DIR yet" >&2
  exit 1
fi
(cd "$BACKUP_DIR" && sha256sum --check --quiet "$(basename "$newest").sha256")
export PGDATA=/tmp/verify PGHOST=/tmp PGUSER=postgres
# an arbitrary user id has no name; initdb asks for one
if ! getent passwd "$(id -u)" > /dev/null; then
  for library in /usr/lib/*/libnss_wrapper.so /usr/lib/libnss_wrapper.so; do
    if [ -e "$library" ]; then
      printf 'postgres:x:%s:%s::/tmp:/bin/false\n' "$(id -u)" "$(id -g)" > /tmp/passwd
      printf 'postgres:x:%s:\n' "$(id -g)" > /tmp/group
      export LD_PRELOAD="$library" NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
      break
    fi
  done
fi
rm -rf "$PGDATA"
initdb --username=postgres --auth=trust --no-sync > /tmp/initdb.log
pg_ctl --wait --silent --log=/tmp/server.log --options="-c listen_addresses='' -c unix_socket_directories=/tmp -c fsync=off" start
trap 'pg_ctl --silent --mode=immediate stop' EXIT
createdb verify
# roles belong to the server and not to the dump: those it names are made without rights
pg_restore --file=- "$newest" | { grep -oE '(OWNER TO|TO|FOR ROLE|FROM) "?[A-Za-z_][A-Za-z0-9_]*"?' || true; } \
  | awk '{ print $NF }' | tr -d '";' | sort -u | while read -r role; do
  psql --quiet --no-psqlrc --dbname=verify --command="create role \"$role\"" 2> /dev/null || true
done
pg_restore --dbname=verify --exit-on-error "$newest"
tables=$(psql --no-psqlrc --tuples-only --no-align --dbname=verify \
  --command="select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')")
echo "dump $(basename "$newest") restored: $tables tables"
