"""How names are compared."""

import unicodedata


def fold(name: str) -> str:
    """Names that differ only in case or in look-alike encodings are the same name, as in auth-service."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name.strip()).casefold())
