"""Digests of plain values. Pure, so that rules may use them."""

import hashlib

import orjson


def fingerprint(*parts: object) -> bytes:
    """SHA-256 of the input that a key stands for; equal input gives equal bytes whatever its key order."""
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS, default=str)).digest()
