"""What the client reads from its environment."""

import os
from urllib.parse import urlsplit

from farebox.errors import UnusableInput

DEFAULT_URL = "http://127.0.0.1:8000"


def base_url(given: str | None = None) -> str:
    """The gateway's address: as given, or FAREBOX_URL, or API_BASE_URL, or this machine's port 8000."""
    chosen = given or os.environ.get("FAREBOX_URL") or os.environ.get("API_BASE_URL") or DEFAULT_URL
    parts = urlsplit(chosen)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnusableInput("The address must start with http:// or https:// and name a host.")
    return chosen.rstrip("/")


def api_key(given: str | None = None) -> str | None:
    """The API key: as given, or FAREBOX_API_KEY."""
    return given or os.environ.get("FAREBOX_API_KEY") or None
