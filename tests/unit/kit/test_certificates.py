"""Certificates of one installation: who is accepted, who may read the keys, and when they are renewed."""

import ssl
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from kit import authority
from kit.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ensure_certificates(tmp_path / "one")
    return tmp_path / "one"


def test_files_are_readable_by_their_owner_alone(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        (AUTHORITY, CERTIFICATE, KEY), 0o600
    )


def test_valid_certificates_are_kept(folder: Path) -> None:
    before = (folder / CERTIFICATE).read_bytes()
    assert not ensure_certificates(folder)
    assert (folder / CERTIFICATE).read_bytes() == before


@pytest.mark.parametrize("name", [AUTHORITY, CERTIFICATE, KEY])
def test_incomplete_certificates_are_replaced(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert ensure_certificates(folder)
    assert handshake(folder, folder)


def test_unreadable_authority_is_replaced(folder: Path) -> None:
    (folder / AUTHORITY).write_text("not a certificate")
    assert ensure_certificates(folder)


def test_certificates_are_renewed_a_month_before_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authority, "VALID", timedelta(days=29))
    assert ensure_certificates(tmp_path / "short")
    assert ensure_certificates(tmp_path / "short")


def test_peer_with_certificate_of_the_same_authority_is_accepted(folder: Path) -> None:
    assert handshake(folder, folder)


def test_peer_of_another_authority_is_refused(folder: Path, tmp_path: Path) -> None:
    ensure_certificates(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(folder, tmp_path / "other")


def handshake(server: Path, client: Path) -> bool:
    """TLS in memory, where each side requires the certificate of the other."""
    ends = [ssl.MemoryBIO(), ssl.MemoryBIO()]
    pair = [
        context(server, ssl.PROTOCOL_TLS_SERVER).wrap_bio(ends[0], ends[1], server_side=True),
        context(client, ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ends[1], ends[0]),
    ]
    finished: set[int] = set()
    while len(finished) < 2:
        for number, side in reversed(list(enumerate(pair))):
            try:
                side.do_handshake()
                finished.add(number)
            except ssl.SSLWantReadError:
                continue
    return all(side.getpeercert() for side in pair)


def context(folder: Path, protocol: int) -> ssl.SSLContext:
    created = ssl.SSLContext(protocol)
    created.check_hostname = False
    created.verify_mode = ssl.CERT_REQUIRED
    created.load_verify_locations(folder / AUTHORITY)
    created.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return created
