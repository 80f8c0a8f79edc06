"""OpenPGP keys made on the spot, and what they sign. The work is gpg's."""

import shutil
import subprocess
import tempfile


class Gpg:
    """gpg with an empty home of its own; no agent is left when it is closed."""

    def __enter__(self):
        # The agent's socket wants a short path, which the published folder need not have.
        self.home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")
        return self

    def __exit__(self, *_):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def __call__(self, *arguments, text=b""):
        command = ["gpg", "--homedir", self.home, "--batch", "--quiet", "--no-tty",
                   "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"gpg {' '.join(arguments)} failed: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def fingerprints(self, *whose):
        records = self("--list-keys", "--with-colons", *whose).decode().splitlines()
        return [record.split(":")[9] for record in records if record.startswith("fpr:")]


class Signer:
    """A key as large upstreams have it: the primary signs some things, a subkey others.

    The secret half is kept in `folder` for the next run; it protects nothing but test images.
    """

    def __init__(self, gpg, folder, owner):
        self.gpg = gpg
        secret = folder / "secret.asc"
        if secret.exists():
            gpg("--import", text=secret.read_bytes())
        else:
            gpg("--quick-generate-key", owner, "rsa3072", "cert,sign", "never")
            gpg("--quick-add-key", gpg.fingerprints(owner)[0], "rsa3072", "sign", "never")
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            secret.write_bytes(gpg("--armor", "--export-secret-keys", owner))
        self.fingerprint, self.subkey = gpg.fingerprints(owner)
        self.public = gpg("--armor", "--export", self.fingerprint)

    def detached(self, text):
        """A signature beside the file, by the primary key."""
        return self.gpg("--armor", "--local-user", f"{self.fingerprint}!", "--detach-sign", text=text)

    def clearsigned(self, text):
        """The text with its signature around it, by the subkey."""
        return self.gpg("--local-user", f"{self.subkey}!", "--clearsign", text=text)
