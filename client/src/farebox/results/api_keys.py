"""API keys."""

from datetime import datetime

from farebox.results.base import Result


class ApiKey(Result):
    """A key as the list shows it: `prefix` is its first characters, to recognise it by."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    token_cap: int | None
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


class NewApiKey(ApiKey):
    """A key just made, with its secret in `api_key`, which is shown this once."""

    api_key: str
