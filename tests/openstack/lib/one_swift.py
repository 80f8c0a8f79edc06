"""Swift in one process: its account, container and object servers, and the proxy in front of them.

All four are Swift's own, each on a port of its own. Nothing replicates or audits: there is one copy on one device. In memcached's
place, where tempauth keeps its tokens, is a dictionary.

usage: one_swift.py FOLDER [SERVER=PORT...]
"""

import json
import os
import sys
import time

folder, servers = sys.argv[1], [pair.split("=") for pair in sys.argv[2:]]

from swift.common import utils

# Before anything else of Swift is imported, as its own programs do it.
utils.monkey_patch()
utils.set_swift_dir(folder)

import eventlet
from eventlet import wsgi

from swift.common.middleware import memcache
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.storage_policy import reload_storage_policies
from swift.common.wsgi import loadapp

# They were read from /etc/swift while the modules were imported.
reload_storage_policies()


class Remembered:
    """What Swift asks of memcached."""

    def __init__(self):
        self.items = {}

    def get(self, key, **_):
        value, ends = self.items.get(key, ("null", None))
        return json.loads(value) if ends is None or ends > time.time() else None

    def set(self, key, value, time=0, **_):
        # As text, so that whoever changes what he got changes nothing here.
        self.items[key] = (json.dumps(value), self.ends(time))

    def incr(self, key, delta=1, time=0, **_):
        value = max(0, int(self.get(key) or 0) + delta)
        self.set(key, value, time=time)
        return value

    def decr(self, key, delta=1, time=0, **_):
        return self.incr(key, -delta, time)

    def delete(self, key, **_):
        self.items.pop(key, None)

    def set_multi(self, mapping, server_key=None, time=0, **_):
        for key, value in mapping.items():
            self.set(key, value, time=time)

    def get_multi(self, keys, *_, **__):
        return [self.get(key) for key in keys]

    @staticmethod
    def ends(seconds):
        return time.time() + seconds if seconds else None


remembered = Remembered()
memcache.load_memcache = lambda conf, logger: remembered


def serve(name, port):
    listener = eventlet.listen(("127.0.0.1", int(port)), reuse_port=False)
    app = loadapp(os.path.join(folder, f"{name}-server.conf"), global_conf={"log_name": name})
    wsgi.server(listener, app, protocol=SwiftHttpProtocol, capitalize_response_headers=False, log_output=False)


threads = [eventlet.spawn(serve, name, port) for name, port in servers]
for thread in threads:
    # One that cannot begin ends all.
    thread.wait()
