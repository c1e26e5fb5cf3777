"""Settings of auth-service."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from auth_service.fields import SHORTEST_COURSE_PASSWORD, account_name
from kit.settings import DatabaseSettings

# Revocations are stored for this long, the longest lifetime of any access token.
LONGEST_ACCESS_MINUTES = 24 * 60


class AuthSettings(DatabaseSettings):
    db_user: str = "auth_service"
    billing_url: str = "http://127.0.0.1:8002"
    ml_url: str = "http://127.0.0.1:8003"

    jwt_exp_minutes: Annotated[int, Field(ge=1, le=LONGEST_ACCESS_MINUTES)] = 60
    refresh_days: Annotated[int, Field(ge=1, le=365)] = 30
    # Refreshes do not extend a session beyond this.
    session_days: Annotated[int, Field(ge=1, le=3650)] = 90

    # Closed: only administrators create accounts.
    sign_up: Literal["open", "closed"] = "open"

    bcrypt_cost: Annotated[int, Field(ge=4, le=16)] = 12
    hash_threads: Annotated[int, Field(ge=1, le=64)] = 2
    hash_queue: Annotated[int, Field(ge=1, le=1000)] = 64

    signing_key_days: Annotated[int, Field(ge=1, le=365)] = 30
    # Longer than the slowest verifier's poll, so that every verifier has a key before it signs.
    signing_key_lead_seconds: Annotated[int, Field(ge=5, le=86_400)] = 60

    # Owned by one user; and members and roster entries of one group.
    max_groups: Annotated[int, Field(ge=1, le=10_000)] = 20
    max_members: Annotated[int, Field(ge=1, le=100_000)] = 2000

    admin_email: str | None = None
    admin_password: SecretStr | None = Field(default=None, validate_default=True)

    @field_validator("admin_email")
    @classmethod
    def can_be_a_name(cls, value: str | None) -> str | None:
        return account_name(value) if value else None

    @field_validator("admin_password")
    @classmethod
    def belongs_to_an_admin(cls, value: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        length = len(value.get_secret_value()) if value is not None else 0
        if (length > 0) != bool(others.data.get("admin_email")):
            raise ValueError("and ADMIN_EMAIL are set together or not at all")
        if 0 < length < SHORTEST_COURSE_PASSWORD:
            raise ValueError(f"needs {SHORTEST_COURSE_PASSWORD} or more characters")
        return value if length else None

    @property
    def access_lifetime(self) -> timedelta:
        return timedelta(minutes=self.jwt_exp_minutes)

    @property
    def refresh_lifetime(self) -> timedelta:
        return timedelta(days=self.refresh_days)

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(days=self.session_days)

    @property
    def longest_access_lifetime(self) -> timedelta:
        return timedelta(minutes=LONGEST_ACCESS_MINUTES)
