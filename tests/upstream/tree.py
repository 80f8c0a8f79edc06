"""Directories of the tree that is published, and what may be wrong in the newest of them."""

import calendar
import os
import re
from dataclasses import dataclass
from pathlib import Path


def point(name, target):
    """Makes `name` a second name for `target`, as `current` is on the servers."""
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    name.symlink_to(target)


# What `--fault SOURCE=KIND` does to the newest build of a source.
FAULTS = {
    "altered": "the manifest was changed after it had been signed",
    "unsigned": "the signature is missing",
    "foreign": "another key made the signature",
    "missing-entry": "the manifest, well signed, does not name the images",
    "two-digests": "the manifest, well signed, gives two digests for each name",
    "wrong-digest": "the manifest, well signed, is not that of the images",
}


@dataclass
class Manifest:
    """The text that is served, and what was signed: the same unless something is wrong."""

    text: bytes
    signed: bytes | None
    other_signer: object = None

    def signer(self, signer):
        return self.other_signer or signer

    def altered(self, clearsigned):
        """The clearsigned form of a manifest that was changed afterwards."""
        return clearsigned if self.text == self.signed else clearsigned.replace(self.signed.rstrip(), self.text.rstrip())


class Directory:
    """One directory: takes files, gives them the time of the build."""

    # Source to kind of fault, and who signs in another's name; set once by `publish`.
    faults, stranger = {}, None

    def __init__(self, path, day, source=None):
        """The directory of a build, if it is the newest one of a source that may have a fault; else without `source`."""
        self.path, self.day = Path(path), day
        self.kind = self.faults.get(source)

    def is_laid(self):
        """A build is laid once: its bytes and signatures stay as they are, unless its fault comes or goes."""
        marker = self.path / ".fault"
        kind = self.kind or "none"
        if marker.exists() and marker.read_text() == kind:
            return True
        self.path.mkdir(parents=True, exist_ok=True)
        for old in self.path.iterdir():
            old.unlink()
        marker.write_text(kind)
        return False

    def add(self, files):
        self.path.mkdir(parents=True, exist_ok=True)
        noon = calendar.timegm((*self.day.timetuple()[:3], 12, 0, 0))
        for name, content in files.items():
            target = self.path / name
            # In one step, as a server may be reading.
            fresh = self.path / f".{name}"
            fresh.write_bytes(content)
            os.utime(fresh, (noon, noon))
            fresh.rename(target)
        os.utime(self.path, (noon, noon))

    def fault(self, text):
        """The manifest `text` with the wanted mistake in it."""
        match self.kind:
            case None:
                return Manifest(text, text)
            case "altered":
                return Manifest(other_digests(text), text)
            case "unsigned":
                return Manifest(text, None)
            case "foreign":
                return Manifest(text, text, self.stranger)
            case "missing-entry":
                text = re.sub(rb"(?m)^.*\.(img|qcow2)\n", b"", text)
            case "two-digests":
                text += other_digests(text)
            case "wrong-digest":
                text = other_digests(text)
        return Manifest(text, text)


def other_digests(text):
    """The same lines with the first digit of each digest changed."""
    return re.sub(rb"(?m)^[0-9a-f](?=[0-9a-f]{31})", lambda digit: b"1" if digit[0] == b"0" else b"0", text)
