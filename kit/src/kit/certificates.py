"""Certificates for TLS between the processes of one installation: `python -m kit.certificates FOLDER`."""

import os
import ssl
import sys
import time
from pathlib import Path

# The names that Kubernetes and cert-manager use.
AUTHORITY, CERTIFICATE, KEY = "ca.crt", "tls.crt", "tls.key"
RENEWED_BEFORE_SECONDS = 30 * 24 * 3600


def ensure_certificates(folder: Path, host: str | None = None) -> bool:
    """Write the three files unless they are there and valid for another month; True if they were written.

    A `host` is the name of a server whose clients compare it.
    """
    if all((folder / name).exists() for name in (CERTIFICATE, KEY)) and _is_valid(folder / AUTHORITY):
        return False
    # It takes 0.2 s to import, of every start.
    from kit.authority import issue

    authority, certificate, key = issue(host)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (CERTIFICATE, KEY, AUTHORITY):
        (folder / name).unlink(missing_ok=True)
    # The authority comes last: without it, an interrupted renewal is repeated.
    for name, content in ((KEY, key), (CERTIFICATE, certificate), (AUTHORITY, authority)):
        _write(folder / name, content)
    return True


def _is_valid(authority: Path) -> bool:
    """The certificate is as old as its authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(authority)
    except OSError:
        return False
    ends = [ssl.cert_time_to_seconds(str(known["notAfter"])) for known in context.get_ca_certs()]
    return bool(ends) and min(ends) - time.time() > RENEWED_BEFORE_SECONDS


def _write(path: Path, content: bytes) -> None:
    """Only the owner can read the file, from its creation on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m kit.certificates FOLDER")
    written = ensure_certificates(Path(sys.argv[1]))
    print("Certificates written." if written else "Certificates are there and valid; kept.")  # noqa: T201 - a command
