# Swift: configuration, rings, process. Its own API with Keystone's tokens, S3's with keys of its own. Sourced, not run.
# shellcheck shell=bash disable=SC2154

swift_configure() {
  local kind port etc=$state/etc/swift
  mkdir -p "$etc" "$state/swift/d1"
  cat >"$etc/swift.conf" <<END
[swift-hash]
swift_hash_path_prefix = reglaze
swift_hash_path_suffix = test
END
  for kind in account container object; do
    cat >"$etc/$kind-server.conf" <<END
[DEFAULT]
devices = $state/swift
mount_check = false
swift_dir = $etc
workers = 0
# Where test runs leave little room it still takes what they write.
fallocate_reserve = 0
# Nobody tells a container later what it did not hear at once, and a busy machine lets a server stand still for seconds.
conn_timeout = 60
node_timeout = 60
container_update_timeout = 60

[pipeline:main]
pipeline = $kind-server

[app:$kind-server]
use = egg:swift#$kind
END
  done
  # The bus of the parts is HTTP on ports that the proxy finds in the rings.
  for kind in account:$swift_account container:$swift_container object:$swift_object; do
    port=${kind#*:} kind=${kind%%:*}
    rm -f "$etc/$kind.builder" "$etc/$kind.ring.gz"
    "$venv/bin/swift-ring-builder" "$etc/$kind.builder" create 2 1 0 >/dev/null
    "$venv/bin/swift-ring-builder" "$etc/$kind.builder" add "r1z1-127.0.0.1:$port/d1" 1 >/dev/null
    "$venv/bin/swift-ring-builder" "$etc/$kind.builder" rebalance >/dev/null
  done
  cat >"$etc/proxy-server.conf" <<END
[DEFAULT]
swift_dir = $etc
workers = 0

[pipeline:main]
pipeline = catch_errors healthcheck cache listing_formats bulk s3api authtoken keystoneauth tempauth slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 60
node_timeout = 60
recoverable_node_timeout = 60
allow_account_management = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:healthcheck]
use = egg:swift#healthcheck

[filter:cache]
use = egg:swift#memcache

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:bulk]
use = egg:swift#bulk

[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = RegionOne
# Two logins side by side are unusual; each leaves alone what is the other's.
auth_pipeline_check = false
dns_compliant_bucket_names = false
# As AWS has it, where this is the least that a part but the last may have.
min_segment_size = 5242880

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
service_token_roles_required = true
$(credentials swift | sed 1d | grep -v service_token)

[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member

[filter:tempauth]
use = egg:swift#tempauth
reseller_prefix = TEMP
# Access key \`mirror:writer\`, secret \`reglaze-test\`; the other may only read.
user_mirror_writer = $password .admin
user_mirror_stranger = $password

[filter:slo]
use = egg:swift#slo

[filter:dlo]
use = egg:swift#dlo
END
}

swift_start() {
  running swift && return
  if http_status "$swift" / >/dev/null; then
    fail "port ${swift#*:} for swift is taken by another program: set REGLAZE_OS_OFFSET to a number that is added to every port"
  fi
  start swift "$venv/bin/python" "$folder/lib/one_swift.py" "$state/etc/swift" \
    "account=$swift_account" "container=$swift_container" "object=$swift_object" "proxy=${swift#*:}"
}
