"""What a login gives."""

from farebox.results.base import Result


class Session(Result):
    """An access token that lasts `expires_in` seconds, and the refresh token that renews it."""

    access_token: str
    expires_in: float
    refresh_token: str
    refresh_expires_in: float
