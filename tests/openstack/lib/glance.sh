# Glance: configuration, database, process. Sourced, not run.
# shellcheck shell=bash disable=SC2154

glance_configure() {
  cat >"$state/etc/glance-api.conf" <<END
[DEFAULT]
enabled_backends = file1:file, file2:file
enabled_import_methods = [glance-direct,web-download,copy-image]
worker_self_reference_url = http://$glance

[glance_store]
default_backend = file1

[file1]
filesystem_store_datadir = $state/images1

[file2]
filesystem_store_datadir = $state/images2

[os_glance_staging_store]
filesystem_store_datadir = $state/staging

[os_glance_tasks_store]
filesystem_store_datadir = $state/tasks

[database]
connection = $(database_url glance)

[paste_deploy]
flavor = keystone
config_file = $venv/etc/glance/glance-api-paste.ini

[oslo_concurrency]
lock_path = $state/lock

[wsgi]
# Under uWSGI Python believes that uwsgi is its interpreter; what checks images wants a real one.
python_interpreter = $venv/bin/python

[import_filtering_opts]
# web-download refuses loopback and unusual ports unless told otherwise.
allowed_hosts = [127.0.0.1,localhost]
allowed_ports = []

END
  credentials glance >>"$state/etc/glance-api.conf"

  # The same database and stores; only what is staged lies apart.
  mkdir -p "$state"/{converting,staging-converting}
  { sed -e "s|^worker_self_reference_url = .*|worker_self_reference_url = http://$converting|" \
      -e "s|= $state/staging\$|= $state/staging-converting|" "$state/etc/glance-api.conf"
    cat <<END

[image_import_opts]
image_import_plugins = [image_decompression,image_conversion]

[image_conversion]
output_format = raw
END
  } >"$state/converting/glance-api.conf"
}

glance_create() {
  sql 'create database glance'
  "$venv/bin/glance-manage" --config-file "$state/etc/glance-api.conf" db_sync >"$state/log/glance-create.log" 2>&1 ||
    { show_log glance-create; fail "Glance could not make its database"; }
}

glance_start() {
  OS_GLANCE_CONFIG_DIR=$state/etc wsgi glance "$glance" glance.wsgi.api
  OS_GLANCE_CONFIG_DIR=$state/converting wsgi converting "$converting" glance.wsgi.api
}

# The cloud of whose two Glances the catalogue does not name this one.
glance_clouds() {
  cat <<END
  # as admin, through the Glance that decompresses and converts
  converting:
    region_name: RegionOne
    image_endpoint_override: http://$converting
    auth:
      auth_url: http://$keystone/v3
      username: admin
      password: $password
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
END
}
