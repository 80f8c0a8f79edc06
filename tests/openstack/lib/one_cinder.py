"""Cinder in one process, for uWSGI: its API, and its volume service and scheduler as threads beside it.

All three are Cinder's own. With the in-memory message bus they must share a process, and there need be no RabbitMQ.
"""

import os
import sys

# Images are downloaded in the thread that asks: there is no eventlet.
os.environ["EVENTLET_THREADPOOL_SIZE"] = "0"
# Under uWSGI Python believes that uwsgi is its interpreter; what limits qemu-img wants a real one.
sys.executable = os.path.join(sys.prefix, "bin", "python")
sys.argv = ["cinder-api", "--config-file", os.environ["OS_CINDER_CONFIG_FILE"]]

from cinder import monkey_patch

# Before anything else of Cinder is imported.
monkey_patch.patch(backend="threading")

from cinder import privsep, service, utils
from cinder.wsgi import wsgi

# Nothing here needs root, so nobody is asked for it.
privsep.sys_admin_pctxt.set_client_mode(False)
utils.get_root_helper = lambda: "env"

application = wsgi.initialize_application()

# The scheduler waits for the first volume service, so that one comes first.
service.Service.create(binary="cinder-volume", host="loopback@files", service_name="files").start()
service.Service.create(binary="cinder-scheduler").start()
