# Cinder: configuration, database, process. Sourced, not run.
# One process is API, scheduler and volume service; see one_cinder.py. Volumes are files; see file_volumes.py.
# shellcheck shell=bash disable=SC2154

cinder_configure() {
  mkdir -p "$state/cinder"
  cat >"$state/etc/cinder.conf" <<END
[DEFAULT]
# Within one process no message has to travel.
transport_url = fake:///
host = loopback
my_ip = 127.0.0.1
state_path = $state/cinder
api_paste_config = $venv/etc/cinder/api-paste.ini
resource_query_filters_file = $venv/etc/cinder/resource_filters.json
glance_api_servers = http://$glance
enabled_backends = files
# Of two services in one process Cinder notes the life signs of the second only (29.0.0, \`Service.service_id\`), so nobody may miss them.
service_down_time = 100000000
periodic_fuzzy_delay = 0
# Sparse files cost nothing.
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1

[files]
volume_driver = file_volumes.FileVolumes
volume_backend_name = files

[database]
connection = $(database_url cinder)

[oslo_concurrency]
lock_path = $state/lock

[oslo_messaging_notifications]
driver = noop

END
  credentials cinder >>"$state/etc/cinder.conf"
}

cinder_create() {
  sql 'create database cinder'
  "$venv/bin/cinder-manage" --config-file "$state/etc/cinder.conf" db sync >"$state/log/cinder-create.log" 2>&1 ||
    { show_log cinder-create; fail "Cinder could not make its database"; }
}

cinder_start() {
  # It looks into images with this.
  require qemu-img qemu-utils
  OS_CINDER_CONFIG_FILE=$state/etc/cinder.conf wsgi cinder "$cinder" one_cinder
}
