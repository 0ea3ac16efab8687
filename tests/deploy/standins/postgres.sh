#!/bin/sh
# What the public image's entry point does with the settings that docker-compose.yml gives it: makes the data folder
# once, with a superuser's password from a file, which it leaves in the environment, runs /docker-entrypoint-initdb.d, and becomes the server.
set -eu
shift
POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
export POSTGRES_PASSWORD
data=/var/lib/postgresql/18/docker
if [ ! -s "$data/PG_VERSION" ]; then
    mkdir -p "$data"
    initdb --pgdata="$data" --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 \
        --auth-local=trust --encoding=UTF8 --locale=C --no-instructions
    printf 'host all all all scram-sha-256\n' >>"$data/pg_hba.conf"
    pg_ctl --pgdata="$data" --wait -o "-c listen_addresses= -c unix_socket_directories=/var/run/postgresql" start
    for script in /docker-entrypoint-initdb.d/*.sql; do
        psql --host=/var/run/postgresql --username=postgres --no-psqlrc --set=ON_ERROR_STOP=1 --quiet --file="$script"
    done
    pg_ctl --pgdata="$data" --wait --mode=fast stop
fi
exec postgres -D "$data" "$@" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql
