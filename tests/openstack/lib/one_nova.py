"""Nova in one process, for uWSGI: its API, and its conductor, scheduler and compute as threads beside it.

All four are Nova's own. With the in-memory message bus they must share a process, and there need be no RabbitMQ.
There is one flavor, `tiny`.
"""

import json

from nova import monkey_patch

# Before anything else of Nova is imported.
monkey_patch.patch(backend="threading")

import os_vif
from nova import context, exception, objects, service
from nova.api.openstack import wsgi_app
from nova.objects import host_mapping

answer = wsgi_app.init_application("osapi_compute", "nova-api")


def begin():
    objects.register_all()
    os_vif.initialize()
    service.Service.create(binary="nova-conductor", topic="conductor").start()
    service.Service.create(binary="nova-scheduler", topic="scheduler").start()
    service.Service.create(binary="nova-compute", topic="compute", topic_alt="compute-alt").start()
    # What `nova-manage cell_v2 discover_hosts` does: before it no server finds a host.
    host_mapping.discover_hosts(context.get_admin_context())
    flavor = {"name": "tiny", "flavorid": "tiny", "memory_mb": 64, "vcpus": 1, "root_gb": 1, "ephemeral_gb": 0, "swap": 0,
              "rxtx_factor": 1.0, "is_public": True, "disabled": False}
    try:
        objects.Flavor(context.get_admin_context(), **flavor).create()
    except exception.FlavorExists:
        pass


begin()


def without_neutron(environ, start_response):
    """What Nova asks Neutron though a server has no network: lists are empty, single things are not there."""
    _, _, _version, kind, *name = environ["PATH_INFO"].split("/")
    start_response("404 Not Found" if name else "200 OK", [("Content-Type", "application/json")])
    return [json.dumps({kind: []}).encode()]


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/no-neutron/"):
        return without_neutron(environ, start_response)
    return answer(environ, start_response)
