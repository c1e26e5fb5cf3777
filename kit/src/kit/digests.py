"""Digests of plain values. Pure, so that rules may import it."""

import hashlib

import orjson


def fingerprint(*parts: object) -> bytes:
    """SHA-256 of a request's input; the order of keys does not matter."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)).digest()
