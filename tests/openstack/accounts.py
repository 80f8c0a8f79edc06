"""Fills Keystone: projects, users, roles, endpoints, application credentials. May run again and again.

usage: accounts.py AUTH_URL PASSWORD TYPE=NAME=URL...

Prints a clouds.yaml for everybody it knows.
"""

import json
import sys
import urllib.error
import urllib.request

DEFAULT = {"id": "default"}

# user, project, role
MEMBERS = [
    ("glance", "service", "service"),
    ("placement", "service", "service"),
    ("cinder", "service", "service"),
    ("swift", "service", "service"),
    # Nova is both: it asks about everybody's things, and says on whose behalf.
    ("nova", "service", "service"),
    ("nova", "service", "admin"),
    ("catalogue", "catalogue", "member"),
    ("reader", "catalogue", "reader"),
    ("tenant", "tenant", "member"),
]

# name in clouds.yaml, user, project, what it is for
CLOUDS = [
    ("admin", "admin", "admin", "may publish images, sees and changes everybody's"),
    ("member", "catalogue", "catalogue", "an ordinary member: everything but publishing"),
    ("reader", "reader", "catalogue", "may look and nothing else"),
    ("tenant", "tenant", "tenant", "somebody else: sees what is public or shared with it"),
]

# name in clouds.yaml, whose application credential it is
CREDENTIALS = [("appcred", "catalogue"), ("admin-appcred", "admin")]


class Keystone:
    """The identity service as one user in one project."""

    def __init__(self, url, user, project, password):
        who = {"name": user, "domain": DEFAULT, "password": password}
        self.url, self.token = url, None
        answer, headers = self.call("POST", "auth/tokens", {"auth": {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"name": project, "domain": DEFAULT}},
        }})
        self.token = headers["X-Subject-Token"]
        self.user = answer["token"]["user"]["id"]

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or "null"), answer.headers
        except urllib.error.HTTPError as error:
            sys.exit(f"Keystone refused {method} {path}: {error.code} {error.read().decode(errors='replace')}")

    def ensure(self, path, kind, wanted, by):
        """The object that agrees with `wanted` in the fields of `by`; made if there is none."""
        found, _ = self.call("GET", path)
        for item in found[path.rsplit("/", 1)[-1]]:
            if all(item.get(field) == wanted[field] for field in by):
                return item
        return self.call("POST", path, {kind: wanted})[0][kind]


def fill(admin, password, services):
    roles = {role["name"]: role["id"] for role in admin.call("GET", "roles")[0]["roles"]}
    for user, project, role in MEMBERS:
        project = admin.ensure("projects", "project", {"name": project, "domain_id": "default"}, ["name"])
        wanted = {"name": user, "domain_id": "default", "password": password}
        user = admin.ensure("users", "user", wanted, ["name"])
        admin.call("PUT", f"projects/{project['id']}/users/{user['id']}/roles/{roles[role]}")
    for kind, name, url in services:
        service = admin.ensure("services", "service", {"type": kind, "name": name}, ["type"])
        for interface in ("public", "internal", "admin"):
            wanted = {"service_id": service["id"], "interface": interface, "region_id": "RegionOne", "url": url}
            endpoint = admin.ensure("endpoints", "endpoint", wanted, ["service_id", "interface"])
            if endpoint["url"] != url:
                admin.call("PATCH", f"endpoints/{endpoint['id']}", {"endpoint": {"url": url}})


def application_credential(auth_url, user, password):
    keystone = Keystone(auth_url, user, user, password)
    path = f"users/{keystone.user}/application_credentials"
    wanted = {"name": "reglaze", "secret": password}
    return keystone.ensure(path, "application_credential", wanted, ["name"])["id"]


def clouds_yaml(auth_url, password):
    lines = ["# Written by tests/openstack/up: services on loopback, credentials for tests.", "clouds:"]
    for name, user, project, purpose in CLOUDS:
        lines += [
            f"  # {purpose}", f"  {name}:", "    region_name: RegionOne", "    auth:",
            f"      auth_url: {auth_url}", f"      username: {user}", f"      password: {password}",
            f"      project_name: {project}", "      user_domain_name: Default", "      project_domain_name: Default",
        ]
    for name, user in CREDENTIALS:
        lines += [
            f"  # application credential of {user}", f"  {name}:", "    region_name: RegionOne",
            "    auth_type: v3applicationcredential", "    auth:", f"      auth_url: {auth_url}",
            f"      application_credential_id: \"{application_credential(auth_url, user, password)}\"",
            f"      application_credential_secret: {password}",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    auth_url, password, *services = sys.argv[1:]
    admin = Keystone(auth_url, "admin", "admin", password)
    fill(admin, password, [service.split("=", 2) for service in services])
    print(clouds_yaml(auth_url, password))
