"""What the upstreams lay on their servers, one function for each: build by build, then the indexes over all builds.

A build is known by its number: 0 and 1 are there at the beginning, each `--newer` adds one.
"""

import base64
import datetime
import hashlib
import json

import qcow2
from tree import Directory, point

UBUNTU = {"22.04": ("jammy", "Jammy Jellyfish"), "24.04": ("noble", "Noble Numbat"), "26.04": ("resolute", "Resolute Raccoon")}
DEBIAN = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
FLATCAR = {"stable": 4593, "beta": 4628, "alpha": 4715, "lts": 4081}
ARCHITECTURES = ("amd64", "arm64")


def day_of(build, today):
    """The day of a build: the first ones some weeks ago, each further one four days later."""
    return today - datetime.timedelta(days=24 - 4 * build)


def image(*identity, gibibytes=3):
    return qcow2.image("/".join(map(str, identity)), gibibytes << 30)


def sums(directory, algorithm, mark):
    """A checksum manifest over the files of a directory, in the form of the GNU tools."""
    lines = [f"{hashlib.new(algorithm, content).hexdigest()} {mark}{name}" for name, content in directory.items()]
    return ("\n".join(lines) + "\n").encode()


def ubuntu_directory(where, files, signer):
    if where.is_laid():
        return
    manifest = where.fault(sums(files, "sha256", "*"))
    where.add(files)
    where.add({"SHA256SUMS": manifest.text})
    if manifest.signed is not None:
        where.add({"SHA256SUMS.gpg": manifest.signer(signer).detached(manifest.signed)})


def ubuntu_release(root, builds, today, signer, flavour):
    """Release builds of Ubuntu: a simplestreams feed, and the dated directories that its paths lead to."""
    mirror = root / "cloud-images.ubuntu.com" / ("releases" if flavour == "server" else "minimal/releases")
    home = "server/releases" if flavour == "server" else "server/minimal/releases"
    products = {}
    for release, (codename, title) in UBUNTU.items():
        versions = {architecture: {} for architecture in ARCHITECTURES}
        for build in builds:
            version = day_of(build, today).strftime("%Y%m%d")
            path = f"{home}/{codename}/release-{version}"
            files = {}
            for architecture in ARCHITECTURES:
                stem = f"ubuntu-{release}-{flavour}-cloudimg-{architecture}"
                disk = image("ubuntu", flavour, release, architecture, version)
                files |= {f"{stem}.img": disk, f"{stem}.manifest": packages(build)}
                versions[architecture][version] = {
                    "items": {"disk1.img": stream_item("disk1.img", f"{path}/{stem}.img", disk),
                              "manifest": stream_item("manifest", f"{path}/{stem}.manifest", packages(build))},
                    "label": "release",
                    "pubname": f"ubuntu-{codename}-{release}-{architecture}-server-{version}",
                }
            directory = Directory(mirror / path, day_of(build, today), build == builds[-1] and f"ubuntu-{flavour}")
            ubuntu_directory(directory, files, signer)
            point(mirror / home / codename / "release", f"release-{version}")
        # The same directories are served without the first part of the path, by codename and by number.
        for name in (codename, release):
            point(mirror / name, f"{home}/{codename}")
        for architecture in ARCHITECTURES:
            products[f"com.ubuntu.cloud:{flavour}:{release}:{architecture}"] = {
                "aliases": f"{release},{codename}", "arch": architecture, "os": "ubuntu", "release": codename,
                "release_codename": title, "release_title": f"{release} LTS", "supported": True,
                "support_eol": f"20{int(release[:2]) + 5}-05-31", "version": release,
                "versions": versions[architecture],
            }
    ubuntu_feed(mirror / "streams/v1", products, day_of(builds[-1], today))


def ubuntu_feed(streams, products, day):
    updated = day.strftime("%a, %d %b %Y 08:00:00 +0000")
    content_id = "com.ubuntu.cloud:released:download"
    where = Directory(streams, day)
    index = {"datatype": "image-downloads", "format": "products:1.0", "path": f"streams/v1/{content_id}.json",
             "products": sorted(products), "updated": updated}
    where.add({
        "index.json": as_json({"format": "index:1.0", "index": {content_id: index}, "updated": updated}),
        f"{content_id}.json": as_json({"content_id": content_id, "datatype": "image-downloads",
                                       "format": "products:1.0", "products": products, "updated": updated}),
    })


def stream_item(kind, path, content):
    return {"ftype": kind, "path": path, "md5": hashlib.md5(content).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def ubuntu_daily(root, builds, today, signer, flavour):
    """Daily builds of Ubuntu: dated directories and nothing else."""
    top, source = ("", "ubuntu-daily") if flavour == "server" else ("daily/server/minimal/daily", "ubuntu-minimal-daily")
    for codename, _ in UBUNTU.values():
        home = root / "cloud-images.ubuntu.com" / top / codename
        for build in builds:
            version = day_of(build, today).strftime("%Y%m%d")
            files = {}
            for architecture in ARCHITECTURES:
                stem = f"{codename}-{flavour}-cloudimg-{architecture}"
                files |= {f"{stem}.img": image(source, codename, architecture, version),
                          f"{stem}.manifest": packages(build)}
            directory = Directory(home / version, day_of(build, today), build == builds[-1] and source)
            ubuntu_directory(directory, files, signer)
        point(home / "current", version)


def debian(root, builds, today, daily):
    """Debian: dated directories with a running number, checksums without a signature."""
    for release, codename in DEBIAN.items():
        home = root / "cloud.debian.org/images/cloud" / codename / ("daily" if daily else "")
        for build in builds:
            day = day_of(build, today)
            version = f"{day:%Y%m%d}-{2300 + day.toordinal() % 1000}"
            files, latest = {}, {}
            for flavour in ("generic", "genericcloud", "nocloud"):
                for architecture in ARCHITECTURES:
                    stem = f"debian-{release}-{flavour}-{architecture}" + ("-daily" if daily else "")
                    disk = image("debian", daily, flavour, release, architecture, version, gibibytes=2)
                    described = debian_description(f"{codename}/{version}/{stem}-{version}.qcow2", disk, version)
                    files |= {f"{stem}-{version}.qcow2": disk, f"{stem}-{version}.json": described}
                    latest |= {f"{stem}.qcow2": disk, f"{stem}.json": described}
            source = "debian-daily" if daily else "debian"
            where = Directory(home / version, day, build == builds[-1] and source)
            if not where.is_laid():
                where.add(files)
                where.add({"SHA512SUMS": where.fault(sums(files, "sha512", " ")).text})
        where = Directory(home / "latest", day)
        where.add(latest)
        where.add({"SHA512SUMS": sums(latest, "sha512", " ")})


def debian_description(path, disk, version):
    digest = base64.b64encode(hashlib.sha512(disk).digest()).decode().rstrip("=")
    return as_json({"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "cloud.debian.org/v1alpha1", "kind": "Upload",
        "data": {"provider": "cloud.debian.org", "ref": path},
        "metadata": {"annotations": {"cloud.debian.org/digest": f"sha512:{digest}"},
                     "labels": {"cloud.debian.org/version": version}},
    }]})


def flatcar(root, builds, today, signer):
    """Flatcar: a list of releases for each channel, and a directory for each release."""
    site = root / "www.flatcar.org"
    for channel, major in FLATCAR.items():
        releases = {}
        for build in builds:
            day = day_of(build, today)
            # Nine before ten: by text the newer one would come first.
            version = f"{major}.{2 if channel in ('stable', 'lts') else 0}.{8 + build}"
            releases[version] = {
                "channel": channel, "architectures": list(ARCHITECTURES), "release_date": f"{day} 15:48:35 +0000",
                "major_software": {"kernel": [f"6.12.{30 + build}"], "systemd": ["257.7"]},
                "release_notes": f"Changes of {version}.",
            }
            for architecture in ARCHITECTURES:
                board = root / f"{channel}.release.flatcar-linux.net" / f"{architecture}-usr"
                where = Directory(board / version, day, build == builds[-1] and "flatcar")
                flatcar_directory(where, signer, image("flatcar", channel, architecture, version, gibibytes=8), version)
                point(board / "current", version)
        newest = releases[version]
        names = [channel] if channel != "lts" else [channel, "lts-2024"]
        for name in names:
            # The newest comes first here, the list ends with its second name: the order says nothing.
            listed = {**dict(reversed(releases.items())), "current": newest}
            if name == "lts-2024":
                listed["current-2024"] = newest
            Directory(site / "releases-json", day).add({f"releases-{name}.json": as_json(listed)})


def flatcar_directory(where, signer, disk, version):
    if where.is_laid():
        return
    name = "flatcar_production_openstack_image.img"
    sections = [f"# {algorithm.upper()} HASH\n{hashlib.new(algorithm, disk).hexdigest()}  {name}\n"
                for algorithm in ("md5", "sha1", "sha512")]
    manifest = where.fault("".join(sections).encode())
    where.add({name: disk, f"{name}.DIGESTS": manifest.text, "version.txt": f"FLATCAR_VERSION={version}\n".encode()})
    if manifest.signed is not None:
        clearsigned = manifest.signer(signer).clearsigned(manifest.signed)
        where.add({f"{name}.DIGESTS.asc": manifest.altered(clearsigned)})


def packages(build):
    """A list of packages as Ubuntu lays it beside an image."""
    return f"base-files\t13ubuntu{10 + build}\nlinux-image-virtual\t6.8.0-{60 + build}.63\n".encode()


def as_json(value):
    return (json.dumps(value, indent=1) + "\n").encode()
