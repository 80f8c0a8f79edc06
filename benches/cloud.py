"""What the benchmarks share: the real services, the release binary, a login, a server's thread."""

import concurrent.futures
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "reglaze-test"

# Settings of the caller's own cloud and catalogue, and proxies, are no part of a measurement.
for name in [*os.environ]:
    if name.startswith("OS_") or name in ("REGLAZE_CONFIG", "REGLAZE_IMAGES", "REGLAZE_CLOUD", "REGLAZE_UPSTREAM_MAP"):
        del os.environ[name]
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1"
os.environ["PYTHONWARNINGS"] = "ignore"


def say(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


def binary():
    """Path of the release build, built now."""
    say("building reglaze")
    command = ["cargo", "build", "--locked", "--release", "--bin", "reglaze", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = [path for line in lines if (path := json.loads(line).get("executable"))]
    return found[-1]


@contextlib.contextmanager
def services():
    """URLs of a Keystone and a Glance of our own, empty at the beginning and gone at the end; and a folder."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scripts = ROOT / "tests/openstack"
    os.environ.setdefault("REGLAZE_OS_INSTANCE", "bench")
    subprocess.run([scripts / "down", "--wipe"], check=True)
    if "REGLAZE_OS_OFFSET" not in os.environ:
        os.environ["REGLAZE_OS_OFFSET"] = subprocess.check_output([scripts / "free-offset"], text=True).strip()
    offset = int(os.environ["REGLAZE_OS_OFFSET"])
    try:
        subprocess.run([scripts / "up"], check=True, stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory(prefix="reglaze-bench-") as folder:
            yield f"http://127.0.0.1:{5000 + offset}", f"http://127.0.0.1:{9292 + offset}", Path(folder)
    finally:
        subprocess.run([scripts / "down", "--wipe"], check=True)


def run(command, folder, clouds):
    """Wall time of a run that ends with 0, and its peak memory in KiB by the kernel's own count."""
    environment = os.environ | {"OS_CLIENT_CONFIG_FILE": str(clouds)}
    begin, peak = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as log:
        with subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process:
            try:
                # Not wait4: its figure begins with that of the process that started this one.
                while process.poll() is None:
                    peak = max(peak, high_water(process.pid))
                    time.sleep(0.005)
            finally:
                process.kill()
        duration = time.monotonic() - begin
        log.seek(0)
        if process.returncode != 0:
            sys.exit(f"{command} ended with {process.returncode}:\n{log.read()}")
    return duration, peak


def high_water(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except ProcessLookupError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def clouds_yaml(path, keystone, glance):
    """Writes a description of one cloud, `admin`."""
    path.write_text(
        f"clouds:\n  admin:\n    region_name: RegionOne\n    image_endpoint_override: {glance}\n    auth:\n"
        f"      auth_url: {keystone}/v3\n      username: admin\n      password: {PASSWORD}\n      project_name: admin\n"
        "      user_domain_name: Default\n      project_domain_name: Default\n"
    )


def call(method, url, body=None, token=None):
    """One call of an API: the document and the headers of its answer."""
    headers = {"Content-Type": "application/json"} | ({"X-Auth-Token": token} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
        return json.loads(answer.read() or "null"), answer.headers


def images(glance, token):
    """All images of a Glance that a list shows."""
    page, found = "/v2/images?limit=1000", []
    while page:
        answer = call("GET", f"{glance}{page}", token=token)[0]
        found += answer["images"]
        page = answer.get("next")
    return found


def empty(keystone, glance):
    """Takes every image away."""
    token = login(keystone)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        urls = [f"{glance}/v2/images/{image['id']}" for image in images(glance, token)]
        list(pool.map(lambda url: call("DELETE", url, token=token), urls))


def login(keystone):
    default = {"name": "Default"}
    who = {"password": {"user": {"name": "admin", "domain": default, "password": PASSWORD}}, "methods": ["password"]}
    scope = {"project": {"name": "admin", "domain": default}}
    return call("POST", f"{keystone}/v3/auth/tokens", {"auth": {"identity": who, "scope": scope}})[1]["X-Subject-Token"]


def serve(handler):
    """Serves on a free port of loopback until the program ends; gives the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
