# The database of an instance, reached by a socket in its folder. Sourced, not run.
# SQLite will not do: parallel imports lose updates ("database is locked") and stay queued for ever.
# shellcheck shell=bash disable=SC2154

run_as=(); if [ "$(id -u)" = 0 ]; then run_as=(--user=root); fi

mariadb_install() {
  # The -core packages hold the programs and start no service.
  require mariadbd mariadb-server-core mariadb-client-core
  require my_print_defaults mariadb-server-core mariadb-client-core
}

mariadb_create() {
  mariadb-install-db --no-defaults "${run_as[@]}" --datadir="$state/db" --auth-root-authentication-method=normal \
    --skip-test-db --skip-name-resolve --innodb-log-file-size=8M >"$state/log/mariadb-create.log" 2>&1 ||
    { show_log mariadb-create; fail "could not create the database's files in $state/db"; }
}

mariadb_start() {
  # Nothing here must survive a power cut, so nothing waits for the disk.
  # READ-COMMITTED: with the default one import in some hundred ends in a deadlock.
  start mariadb mariadbd --no-defaults "${run_as[@]}" --datadir="$state/db" --socket="$state/db.sock" \
    --skip-networking --skip-log-bin --performance-schema=off --max-connections=500 \
    --innodb-log-file-size=8M --innodb-buffer-pool-size=64M --innodb-doublewrite=0 \
    --innodb-flush-log-at-trx-commit=0 --transaction-isolation=READ-COMMITTED --character-set-server=utf8mb3
  for _ in {1..150}; do
    sql 'select 1' 2>/dev/null && return
    running mariadb || break
    sleep 0.1
  done
  show_log mariadb
  fail "MariaDB did not start; the last lines of its log are above"
}

sql() { mariadb --no-defaults --socket="$state/db.sock" --user=root --execute="$1" >/dev/null; }

# database_url NAME: as SQLAlchemy wants it.
database_url() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$state/db.sock&charset=utf8"; }
