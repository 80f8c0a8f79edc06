# Nova with Placement: configuration, databases, processes. Sourced, not run.
# One process is API, conductor, scheduler and compute; see one_nova.py.
# shellcheck shell=bash disable=SC2154

nova_configure() {
  mkdir -p "$state/nova/instances"
  cat >"$state/etc/placement.conf" <<END
[placement_database]
connection = $(database_url placement)

END
  credentials placement >>"$state/etc/placement.conf"
  cat >"$state/etc/nova.conf" <<END
[DEFAULT]
# Within one process no message has to travel.
transport_url = fake:///
# Nova's own pretended hypervisor: a server is ACTIVE at once, whatever its image holds.
# This variant of it finds its servers again after a restart.
compute_driver = fake.FakeDriverWithoutFakeNodes
host = loopback
my_ip = 127.0.0.1
state_path = $state/nova
instances_path = $state/nova/instances
osapi_compute_workers = 1
# Slow machines are no dead ones.
service_down_time = 600
report_interval = 10
# Nothing happens behind Nova's back here, so it need not look.
heal_instance_info_cache_interval = -1
sync_power_state_interval = -1

[api_database]
connection = $(database_url nova_api)

[database]
connection = $(database_url nova)

[conductor]
workers = 1

[scheduler]
workers = 1

[quota]
instances = -1
cores = -1
ram = -1

[vnc]
enabled = false

[wsgi]
api_paste_config = $venv/etc/nova/api-paste.ini

[oslo_concurrency]
lock_path = $state/lock

[oslo_messaging_notifications]
driver = noop

[glance]
region_name = RegionOne

END
  {
    credentials nova
    printf '\n[placement]\n'; login nova
    # Cinder lets go of a deleted server's volumes only for a service.
    printf '\n[service_user]\nsend_service_user_token = true\n'; login nova
    # There is no Neutron; what little Nova asks of it even for servers without a network, one_nova.py answers.
    printf '\n[neutron]\nendpoint_override = http://%s\n' "$neutron"; login nova
  } >>"$state/etc/nova.conf"
}

# login USER: as who a service calls others.
login() {
  cat <<END
region_name = RegionOne
auth_type = password
auth_url = http://$keystone/v3
username = $1
password = $password
project_name = service
user_domain_name = Default
project_domain_name = Default
END
}

nova_create() {
  local name
  # The cells keep a pattern instead of a URL, so that the files can be copied to another instance's folder.
  local url='{scheme}://{username}@{hostname}/NAME?{query}'
  for name in placement nova_api nova nova_cell0; do sql "create database $name"; done
  {
    "$venv/bin/placement-manage" --config-file "$state/etc/placement.conf" db sync &&
      nova_manage api_db sync &&
      nova_manage cell_v2 map_cell0 --database_connection "${url/NAME/nova_cell0}" &&
      nova_manage cell_v2 create_cell --name cell1 --transport-url fake:/// --database_connection "${url/NAME/nova}" &&
      nova_manage db sync
  } >"$state/log/nova-create.log" 2>&1 || { show_log nova-create; fail "Nova could not make its databases"; }
}

nova_manage() { "$venv/bin/nova-manage" --config-file "$state/etc/nova.conf" "$@"; }

placement_start() {
  OS_PLACEMENT_CONFIG_DIR=$state/etc wsgi placement "$placement" placement.wsgi.api
}

nova_start() {
  OS_NOVA_CONFIG_FILES="$venv/etc/nova/api-paste.ini;$state/etc/nova.conf" wsgi nova "$nova" one_nova
}
