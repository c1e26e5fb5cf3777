"""Secrets of one stack: made at its first start, kept beside its data."""

import secrets
from pathlib import Path

from local.files import write_private

NAMES = (
    "JWT_SECRET",
    "SERVICE_SECRET",
    "ADMIN_PASSWORD",
    "DB_PASSWORD",
    "AUTH_DB_PASSWORD",
    "BILLING_DB_PASSWORD",
    "ML_DB_PASSWORD",
)


def load_or_make(path: Path) -> dict[str, str]:
    """The secrets by the names of their settings; what is missing is made."""
    kept = _read(path) if path.exists() else {}
    if missing := [name for name in NAMES if name not in kept]:
        kept |= {name: secrets.token_hex(32) for name in missing if name != "ADMIN_PASSWORD"}
        kept.setdefault("ADMIN_PASSWORD", secrets.token_urlsafe(12))
        write_private(path, "".join(f"{name}={value}\n" for name, value in kept.items()))
    return kept


def _read(path: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, _, value in lines}
