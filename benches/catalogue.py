"""Catalogues that reglaze and openstack-image-manager both read, and one run of either of them, timed or counted."""

import concurrent.futures
import datetime
import hashlib
import http.client
import json
import subprocess
import urllib.request
from http.server import BaseHTTPRequestHandler

import cloud

BYTES = b"an image of very few bytes\n"
DIGEST = hashlib.sha256(BYTES).hexdigest()
# What Glance says of an image and does not let be written.
READ_ONLY = {
    "checksum", "created_at", "file", "id", "os_hash_algo", "os_hash_value", "owner", "schema", "self", "size", "status", "stores",
    "updated_at", "virtual_size",
}
DEFINITION = """
  - name: Image {number:04}
    enable: true
    format: raw
    login: ubuntu
    min_disk: 1
    min_ram: 512
    status: active
    visibility: public
    multi: true
    meta:
      architecture: x86_64
      hw_disk_bus: scsi
      hypervisor_type: qemu
      os_distro: ubuntu
      os_purpose: generic
      replace_frequency: never
      uuid_validity: none
      provided_until: none
    tags: []
    versions:"""
VERSION = """
      - version: '{build}'
        url: {upstream}/{number}-{build}.img
        checksum: sha256:{digest}
        build_date: {date}"""


def write(folder, upstream, size, builds):
    """Writes the definitions of so many images, each with these builds, and settings that share them."""

    def version(number, build):
        date = datetime.datetime.strptime(build, "%Y%m%d").date()
        return VERSION.format(number=number, build=build, date=date, upstream=upstream, digest=DIGEST)

    images = [
        DEFINITION.format(number=number) + "".join(version(number, build) for build in builds) + "\n"
        for number in range(size)
    ]
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images/all.yml").write_text(f"---\nimages:{''.join(images)}")
    (folder / "reglaze.yml").write_text("tag: managed_by_osism\n")


def tools(upstream):
    """The commands: ours to apply and to plan, and the other one, which has one for both."""
    reglaze = cloud.binary()
    manager = subprocess.check_output([cloud.ROOT / "tests/openstack/oim"], text=True).strip()
    # Over http only what is mapped is fetched.
    return (
        [reglaze, "apply", "--cloud=admin", f"--upstream-map={upstream}={upstream}"],
        [reglaze, "plan", "--cloud=admin"],
        [f"{manager}/bin/openstack-image-manager", "--cloud=admin", "--images=images"],
    )


def copy(keystone, glance, numbers):
    """Makes images with these numbers as `apply` made number 0, in two requests each."""
    token = cloud.login(keystone)
    first = next(image for image in cloud.images(glance, token) if image["name"] == "Image 0000")
    written = {key: value for key, value in first.items() if key not in READ_ONLY and value is not None}

    def make(number):
        text = json.dumps(written).replace("Image 0000", f"Image {number:04}").replace("/0-", f"/{number}-")
        made = cloud.call("POST", f"{glance}/v2/images", json.loads(text), token)[0]
        headers = {"Content-Type": "application/octet-stream", "X-Auth-Token": token}
        request = urllib.request.Request(f"{glance}/v2/images/{made['id']}/file", BYTES, headers, method="PUT")
        urllib.request.urlopen(request, timeout=60).close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(make, numbers))


class Upstream(BaseHTTPRequestHandler):
    """Answers every request with the same few bytes."""

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(BYTES)

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BYTES)))
        self.end_headers()

    def log_message(self, *_):
        pass


def counting(target, seen):
    """A proxy's URL that notes the method of each request. `Host` is passed on, so links in answers lead here again."""

    class Proxy(BaseHTTPRequestHandler):
        def pass_on(self):
            seen.append(self.command)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(target.removeprefix("http://"), timeout=60)
            headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response_only(answer.status, answer.reason)
            for key, value in answer.getheaders():
                if key.lower() not in ("connection", "content-length", "transfer-encoding"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

        def log_message(self, *_):
            pass

    return cloud.serve(Proxy)
