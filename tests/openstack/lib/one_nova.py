"""Nova in one process, for uWSGI: its API, and its conductor, scheduler and compute as threads beside it.

All four are Nova's own. With the in-memory message bus they must share a process, and there need be no RabbitMQ.
There is one flavor, `tiny`.
"""

import http.server
import json
import threading
import urllib.parse

from nova import monkey_patch

# Before anything else of Nova is imported.
monkey_patch.patch(backend="threading")

import os_vif
from nova import context, exception, objects, service
from nova.api.openstack import wsgi_app
from nova.conf import CONF
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
    except (exception.FlavorExists, exception.FlavorIdExists):
        pass


class WithoutNeutron(http.server.BaseHTTPRequestHandler):
    """What Nova asks Neutron though a server has no network: lists are empty, single things are not there.

    It has threads of its own: Nova's are all taken when as many clients ask Nova at once as it has of them, and each of
    those waits for this answer.
    """

    def do_GET(self):
        _, _version, kind, *name = urllib.parse.urlsplit(self.path).path.split("/")
        body = json.dumps({kind: []}).encode()
        self.send_response(404 if name else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve_without_neutron():
    place = urllib.parse.urlsplit(CONF.neutron.endpoint_override)
    server = http.server.ThreadingHTTPServer((place.hostname, place.port), WithoutNeutron)
    threading.Thread(target=server.serve_forever, daemon=True).start()


serve_without_neutron()
begin()
application = answer
