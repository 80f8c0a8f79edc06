#!/usr/bin/env python3
"""Lays the first inputs of the fuzz targets: our samples, and the captures of real upstreams where they are at hand.

`seeds.py CAPTURES CORPUS`; CAPTURES need not exist. Nothing of it is committed.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent.parent
# Longer inputs say nothing new and make every turn slow.
LONGEST = 48 << 10
# But formats of disks have tables that lie far apart: this is what `run` lets an input of `inspect` have.
LONGEST_DISK = 1152 << 10
BETWEEN = b"\n>>>>\n"
DOCUMENTS = (".html", ".json", ".txt", ".xml", ".sjson")
SUMS = ("SHA256SUMS", "SHA512SUMS", "CHECKSUM", "MD5SUMS", "DIGESTS", ".sha256", ".sha512", ".SHA256")
PARAMETERS = b"release=24.04 arch=x86_64"


def main():
    captures, corpus = Path(sys.argv[1]), Path(sys.argv[2])

    def lay(target, text, longest=LONGEST):
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        text = text[:longest]
        (folder / hashlib.sha1(text).hexdigest()).write_bytes(text)

    for path in files(ROOT / "tests/data/upstreams"):
        lay("index", path.read_bytes().split(b"\n<<<\n")[0])
    for path in files(ROOT / "tests/data/manifest"):
        lay("manifest", path.read_bytes())
    definitions = [*files(ROOT / "images"), *files(ROOT / "tests/demo"), *files(captures / "osism")]
    for path in (path for path in definitions if path.suffix in (".yml", ".yaml")):
        for text in parts(path.read_bytes()):
            lay("definition", text)
            for choice in (0, 1, 0x19, 0x84, 0xA0, 0xC1):
                lay("edit", bytes([choice]) + text)
    release = b'{"name": "24.04", "releaseDate": "2024-04-25", "isLts": true, "isEol": false, "eolFrom": "2029-05-31", "eoesFrom": null}'
    lay("endoflife", b'{"result": {"name": "ubuntu", "label": "Ubuntu", "releases": [' + release + b"]}}")
    lay("packages", b"apt\t2.4.9\nsnap:lxd\t5.0/stable\t24322\n")
    lay("packages", b'{"items": [{"kind": "Build", "data": {"packages": [{"name": "apt", "version": "3.0.3"}]}}]}')
    debs = b'{"deb": [{"name": "apt", "from_version": {"version": "1"}, "to_version": {"version": "2"}}], "snap": []}'
    lay("packages", b'{"diff": ' + debs + b', "added": ' + debs + b', "removed": ' + debs + b"}")
    sources = files(ROOT / "sources")
    for path in sources:
        lay("source", path.read_bytes())
    names = [path.stem.encode() for path in sources]
    for case in (ROOT / "tests/data/sources").glob("*/case.yml"):
        said = re.findall(r"parameters: \{(.*)\}", case.read_text())
        words = [re.sub(r"[\" ]", "", said.replace(":", "=")).replace(",", " ").encode() for said in sorted(set(said))]
        for path in files(case.parent):
            text = path.read_bytes()
            lay("manifest", text)
            lay("endoflife" if path.suffix == ".json" else "definition", text)
            for word in words:
                lay("index", case.parent.name.encode() + b" " + word + b"\n>>> https://a.example/\n" + text)
    for number, path in enumerate(files(captures)):
        text = path.read_bytes()
        if path.name.endswith(DOCUMENTS):
            for name in {names[number % len(names)], *(name for name in names if name in bytes(path))}:
                lay("index", name + b" " + PARAMETERS + b"\n>>> https://a.example/\n" + text)
            lay("endoflife", text)
        if any(word in path.name for word in SUMS):
            lay("manifest", text)
        if path.suffix in (".asc", ".gpg", ".sig", ".sign", ".key", ".pub"):
            lay("signature", text)
    signed(lay, captures)
    for text in disks():
        for pieces in (b"\xff\xff", b"\xfc\x01"):
            lay("inspect", pieces + text, LONGEST_DISK)
    for text in packed():
        for choice in (0, 1, 0x80, 0x81):
            lay("unpack", bytes([choice]) + text)
    for image in qcow2():
        lay("qcow2", image)


def disks():
    """A small disk with a partition table, in every format that `qemu-img` writes; an empty one where that is too long."""
    with tempfile.TemporaryDirectory(prefix="disks-") as folder:
        disk, image = Path(folder) / "disk", Path(folder) / "image"
        # In this order: the table of UEFI stays, and has its second one at the end.
        for label in (b"label: dos\n", b"label: gpt\n"):
            disk.write_bytes(bytes(45 << 10))
            subprocess.run(["sfdisk", "-q", disk], input=label + b"34,10\n", stderr=subprocess.DEVNULL, check=False)
            yield disk.read_bytes()
        disc = bytearray(40 << 10)
        disc[0x8000:0x8007] = b"\x01CD001\x01"
        disc[0x8050], disc[0x8081] = 20, 8
        yield bytes(disc)
        kinds = ("qcow2", "qcow", "qed", "vdi", "vpc", "vmdk", "vhdx", "parallels", "vmdk -o subformat=streamOptimized")
        for kind in (*kinds, "qcow2 -o compat=0.10", "qcow2 -o cluster_size=512,extended_l2=off", "vpc -o subformat=fixed"):
            subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", *kind.split(), disk, image], check=True)
            if image.stat().st_size > LONGEST_DISK:
                subprocess.run(["qemu-img", "create", "-q", "-f", *kind.split(), image, str(45 << 10)], check=True)
            yield shortened(image.read_bytes()) if kind == "vhdx" else image.read_bytes()


def shortened(vhdx):
    """A VHDX of a few MiB with both of its regions at the first place where they may be; its disk is not read anyhow."""
    vhdx, tables = bytearray(vhdx), (3 << 16, 4 << 16)
    for table in tables:
        for entry in range(table + 16, table + 80, 32):
            start, length = struct.unpack_from("<QI", vhdx, entry + 16)
            # The metadata, whose items lie 64 KiB behind its table, say how large the disk is.
            if vhdx[start : start + 8] == b"metadata":
                metadata = vhdx[start : start + (65 << 10)]
            struct.pack_into("<QI", vhdx, entry + 16, 1 << 20, min(length, 65 << 10))
        vhdx[table + 4 : table + 8] = bytes(4)
        struct.pack_into("<I", vhdx, table + 4, crc32c(vhdx[table : table + (64 << 10)]))
    return bytes(vhdx[: 1 << 20] + metadata)


def crc32c(text):
    """The sum of Castagnoli, as VHDX has it."""
    turned = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        turned.append(value)
    total = 0xFFFFFFFF
    for byte in text:
        total = turned[(total ^ byte) & 0xFF] ^ total >> 8
    return total ^ 0xFFFFFFFF


def packed():
    """A small disk, packed in every way that is unpacked."""
    disk = bytes(range(256)) * 8 + bytes(2048)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, text in (("README", b"read me"), ("folder/" * 20 + "disk.raw", disk), ("empty", b"")):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    yield archive.getvalue()
    for text in (disk, archive.getvalue()):
        yield gzip.compress(text, mtime=0)
        yield bz2.compress(text)
        yield lzma.compress(text)
        # One frame of zstd with one block, which holds its bytes as they are.
        size = len(text)
        yield b"\x28\xb5\x2f\xfd\xa0" + size.to_bytes(4, "little") + (size << 3 | 1).to_bytes(3, "little") + text
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("README", b"read me")
            file.writestr("disk.raw", disk)
        yield archive.getvalue()


def qcow2():
    """Small qcow2 images: plain, packed and zero clusters in both versions and packings, and subclusters."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = packer.compress(bytes(range(256)) * 2) + packer.flush()
    # A frame of zstd whose one block is a byte that is repeated.
    frame = b"\x28\xb5\x2f\xfd\x60" + (512 - 256).to_bytes(2, "little") + (512 << 3 | 3).to_bytes(3, "little") + b"\x07"

    def header(version, bits, clusters, incompatible, kind):
        size = clusters << bits
        fields = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", version, 0, 0, bits, size, 0, 4, 1 << bits, 1 << bits, 1, 0, 0)
        if version == 3:
            fields += struct.pack(">QQQIIB7x", incompatible, 0, 0, 4, 112, kind)
            fields += struct.pack(">II24x", 0x23852875, 24)
        return fields.ljust(1 << bits, b"\0")

    for version, incompatible, kind, packed in ((2, 0, 0, deflated), (3, 0, 0, deflated), (3, 8, 1, frame)):
        # Two L1 entries of four; data in clusters 4 and 5, what is packed in 6.
        table = [4 << 9, 5 << 9, 1 << 63 | 4 << 9, 0, 1 << 62 | 6 << 9, 1 << 62 | 1 << 61 | 6 << 9]
        if version == 3:
            table += [1, 5 << 9 | 1]
        tables = struct.pack(">4Q480x", 2 << 9, 0, 2 << 9, 3 << 9) + struct.pack(f">{len(table)}Q", *table).ljust(512, b"\0") * 2
        yield header(version, 9, 250, incompatible, kind) + tables + b"\x07" * 1024 + packed.ljust(512, b"\0")
    parts = struct.pack(">6Q", 1 << 14, 0xF0F0, 1 << 14, 0xF0F0 << 32 | 0x0F0F, 0, 1 << 32)
    yield header(3, 14, 40, 16, 0) + struct.pack(">Q", 2 << 14).ljust(1 << 14, b"\0") + parts.ljust(1 << 14, b"\0")


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def parts(text):
    """A file of definitions, and each image of it alone."""
    yield text
    head, *entries = text.split(b"\n  - name:")
    for entry in entries:
        yield head + b"\n  - name:" + entry


def signed(lay, captures):
    """A key, a signature and a text that belong together: made here, and real ones."""
    text = b"0123456789abcdef" * 4 + b" *disk.qcow2\n"
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:

        def gpg(*arguments, data=b""):
            command = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--passphrase", "", *arguments]
            return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout

        try:
            for kind in ("ed25519", "rsa2048"):
                name = f"{kind}@example.org"
                gpg("--quick-generate-key", name, kind, "sign", "never")
                for armor in ([], ["--armor"]):
                    key = gpg("--export", *armor, name)
                    detached = gpg("--local-user", name, *armor, "--detach-sign", data=text)
                    clear = gpg("--local-user", name, "--clearsign", data=text)
                    lay("signature", BETWEEN.join([key, detached, text]))
                    lay("signature", BETWEEN.join([key, clear, text]))
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    keys = [path.read_bytes() for path in files(captures) if path.parent.name == "keys"]
    for path in files(captures):
        beside = path.with_name(path.name.removesuffix(path.suffix))
        if path.suffix in (".asc", ".gpg", ".sig", ".sign") and path.parent.name != "keys":
            for key in keys:
                text = beside.read_bytes() if beside.is_file() else b""
                lay("signature", BETWEEN.join([key, path.read_bytes(), text]))


if __name__ == "__main__":
    main()
