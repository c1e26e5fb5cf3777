"""Diagnosis of auth-service: signing keys, secrets and administrators."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from auth_service.container import Container
from auth_service.passwords.repository import PasswordRepository
from auth_service.settings import AuthSettings
from auth_service.tokens.rules import KeyTimes, signer_among, successor_due
from auth_service.users.repository import UserRepository
from kit.checks import Check
from kit.diagnosis import service_checks
from kit.findings import Finding, failed, ok, warning

# Rotation runs every minute; an outage of some hours is no reason for a warning.
ROTATION_DELAY = timedelta(days=1)
ROTATE = "Restart auth-service and read its log; at once: python -m auth_service rotate-keys"
CREATE_ADMINISTRATOR = "Set ADMIN_EMAIL and ADMIN_PASSWORD, and restart auth-service."


def checks(container: Container) -> list[Check]:
    return [
        Check("signing keys", partial(_check_signing_keys, container)),
        Check("administrators", partial(_check_administrators, container)),
        *service_checks(container.database, container.settings),
    ]


async def _check_signing_keys(container: Container) -> Sequence[Finding]:
    settings = container.settings
    previous = find_previous_secret(is_set=settings.jwt_secret_previous is not None)
    if settings.jwt_algorithm == "HS256":
        return [ok("signing keys", "HS256: access tokens are signed with JWT_SECRET."), previous]
    async with container.database.read() as session:
        keys = await container.signing_keys.usable(session)
    term = timedelta(days=settings.signing_key_days)
    return [find_signing_keys(keys, datetime.now(UTC), term), previous]


async def _check_administrators(container: Container) -> Sequence[Finding]:
    async with container.database.read() as session:
        count = await UserRepository(session).count_active_admins()
    findings = [find_administrators(count)]
    if container.settings.admin_password is not None and count:
        findings.append(find_first_password(unchanged=await _has_first_password(container)))
    return findings


async def _has_first_password(container: Container) -> bool:
    """Whether the administrator in the settings still has the password in the settings."""
    settings: AuthSettings = container.settings
    if settings.admin_email is None or settings.admin_password is None:
        return False
    async with container.database.read() as session:
        user = await PasswordRepository(session).find_user(settings.admin_email)
    if user is None or not user.is_active_admin:
        return False
    return await container.hasher.verify(settings.admin_password.get_secret_value(), user.password_hash)


def find_previous_secret(*, is_set: bool) -> Finding:
    if not is_set:
        return ok("previous secret", "JWT_SECRET_PREVIOUS is not set.")
    detail = "JWT_SECRET_PREVIOUS is set: access tokens of the previous secret are accepted."
    advice = "Remove it once JWT_EXP_MINUTES have passed since the change and auth-service was restarted."
    return warning("previous secret", detail, advice)


def find_signing_keys(keys: Sequence[KeyTimes], now: datetime, term: timedelta) -> Finding:
    """The finding about the key pairs that can be used; each signs for the term, then its successor does."""
    signer = signer_among(keys, now)
    if signer is None:
        detail = "EdDSA: no signing key can be used with this JWT_SECRET."
        return failed(
            "signing keys", detail, "Set JWT_SECRET_PREVIOUS to the earlier JWT_SECRET, and restart."
        )
    age = now - signer.signs_from
    detail = f"EdDSA: the signing key is {age.days} days old, the next is due after {term.days} days."
    if successor_due(keys, now - ROTATION_DELAY, term):
        return warning("signing keys", f"{detail} It is overdue.", ROTATE)
    return ok("signing keys", detail)


def find_administrators(count: int) -> Finding:
    if count == 0:
        return failed("administrators", "There is no active administrator.", CREATE_ADMINISTRATOR)
    return ok("administrators", f"Active administrators: {count}.")


def find_first_password(*, unchanged: bool) -> Finding:
    if not unchanged:
        return ok("first password", "ADMIN_PASSWORD is not the password of ADMIN_EMAIL.")
    detail = "The administrator ADMIN_EMAIL still has the password ADMIN_PASSWORD of the settings."
    return warning("first password", detail, "Log in as this administrator and run: farebox password")
