"""Metered machine learning for tables, from Python."""

from farebox.clients import AsyncFarebox, Farebox
from farebox.errors import FareboxError, NotEnoughTokens, NotLoggedIn
from farebox.retries import Retries
from farebox.tokens import FileTokenStore, MemoryTokenStore, Tokens, TokenStore

__all__ = [
    "AsyncFarebox",
    "Farebox",
    "FareboxError",
    "FileTokenStore",
    "MemoryTokenStore",
    "NotEnoughTokens",
    "NotLoggedIn",
    "Retries",
    "TokenStore",
    "Tokens",
]
