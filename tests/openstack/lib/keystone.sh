# Keystone: configuration, database, process. Sourced, not run.
# shellcheck shell=bash disable=SC2154

keystone_configure() {
  cat >"$state/etc/keystone.conf" <<END
[database]
connection = $(database_url keystone)

[token]
# A day: no test run outlives its token unless it wants to.
expiration = 86400

[fernet_tokens]
key_repository = $state/fernet

[fernet_receipts]
key_repository = $state/fernet

[credential]
key_repository = $state/fernet

[identity]
# The least that bcrypt takes: a login costs a millisecond, not 300.
password_hash_rounds = 4

[cache]
# In the process itself. Without it each request costs half a second.
enabled = true
backend = dogpile.cache.memory
END
}

keystone_create() {
  local key log=$state/log/keystone-create.log
  mkdir -p "$state/fernet"
  # A primary key and a staged one, as keystone-manage would write them for a user of its own.
  for key in 0 1; do head -c 32 /dev/urandom | base64 | tr '+/' '-_' >"$state/fernet/$key"; done
  chmod 600 "$state"/fernet/*
  sql 'create database keystone'
  {
    "$venv/bin/keystone-manage" --config-file "$state/etc/keystone.conf" db_sync &&
      "$venv/bin/keystone-manage" --config-file "$state/etc/keystone.conf" bootstrap \
        --bootstrap-password "$password" --bootstrap-region-id RegionOne
  } >"$log" 2>&1 || { show_log keystone-create; fail "Keystone could not make its database"; }
}

keystone_start() {
  OS_KEYSTONE_CONFIG_FILES=$state/etc/keystone.conf wsgi keystone "$keystone" keystone.wsgi.api
}

# credentials USER: how a service asks Keystone about tokens.
credentials() {
  cat <<END
[keystone_authtoken]
auth_type = password
auth_url = http://$keystone/v3
www_authenticate_uri = http://$keystone/v3
username = $1
password = $password
project_name = service
user_domain_name = Default
project_domain_name = Default
service_token_roles_required = true
END
}
