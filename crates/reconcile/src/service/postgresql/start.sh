# Makes the database cluster if there is none, makes or mends databases, users and passwords, then becomes the server.
set -euo pipefail
data=/var/lib/pgsql/data/userdata

if [ ! -s "$data/PG_VERSION" ]; then
  # Made beside its place and moved: an initdb that was killed half way is never taken for a cluster.
  rm -rf "$data.new"
  initdb --pgdata="$data.new" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
    --auth-local=peer --auth-host=scram-sha-256 --data-checksums
  echo 'host all all all scram-sha-256' >> "$data.new/pg_hba.conf"
  mv "$data.new" "$data"
fi

# Clients come only when their users are as they should be: until then the server has a socket that nobody else knows.
pg_ctl start --pgdata="$data" --wait --timeout=3600 --silent -o "-c listen_addresses= -c unix_socket_directories=/tmp"
for database in $DATABASES; do
  export database
  psql --host=/tmp --username=postgres --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<'SQL'
\getenv name database
\set variable PASSWORD_:name
\getenv password :variable
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', :'name', :'password') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
done
pg_ctl stop --pgdata="$data" --wait --mode=fast --silent

# The last lines: a client whose node is lost says nothing more, and what it had locked would stay so for hours; one that was killed while it
# waited for a lock would not even be missed.
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql \
  -c max_connections="$MAX_CONNECTIONS" -c shared_buffers="$SHARED_BUFFERS" -c password_encryption=scram-sha-256 \
  -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 -c tcp_user_timeout=60s \
  -c client_connection_check_interval=10s
