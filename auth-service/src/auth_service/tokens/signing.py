"""The key pairs under EdDSA: which one signs, which are published, and how one follows another."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_service.base import utc_now
from auth_service.settings import AuthSettings
from auth_service.signing_keys.models import SigningKey
from auth_service.tokens.repository import SigningKeyRepository
from auth_service.tokens.rules import is_published, public_jwk, signer_among, successor_due
from auth_service.tokens.secrets import Seal

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Signer:
    id: str
    private_key: Ed25519PrivateKey


class SigningKeys:
    def __init__(self, rows: SigningKeyRepository, seal: Seal, settings: AuthSettings) -> None:
        self._rows, self._seal, self._settings = rows, seal, settings

    async def signer(self) -> Signer:
        signer = self._open_signer(await self._rows.all(), utc_now())
        return signer or await self.make_first()

    async def published(self) -> list[dict[str, str]]:
        now = utc_now()
        keys = [key for key in await self._rows.all() if is_published(key.times, now)]
        return [public_jwk(key.id, key.public_key) for key in keys]

    async def make_first(self) -> Signer:
        """A key that signs at once, unless there is a usable one already."""
        await self._rows.lock()
        known = self._open_signer(await self._rows.all(), utc_now())
        return known or await self._make(signs_from=utc_now())

    async def seal_again(self) -> None:
        """Under the present JWT_SECRET, so that the previous one can be forgotten."""
        for key in await self._rows.all():
            private = self._seal.open(key.sealed_private_key)
            if private is not None:
                key.sealed_private_key = self._seal.seal(private)

    async def rotate(self) -> None:
        """Publish a successor now; it signs once every verifier has had time to hear of it."""
        await self._rows.lock()
        await self._make(utc_now() + timedelta(seconds=self._settings.signing_key_lead_seconds))

    async def rotate_when_due(self) -> None:
        await self._rows.lock()
        longest_service = timedelta(days=self._settings.signing_key_days)
        if successor_due([key.times for key in await self._rows.all()], utc_now(), longest_service):
            await self.rotate()
        await self._rows.delete_unpublished(utc_now())

    def _open_signer(self, keys: Sequence[SigningKey], now: datetime) -> Signer | None:
        sealed = {key.id: self._seal.open(key.sealed_private_key) for key in keys}
        opened = {id_: private for id_, private in sealed.items() if private is not None}
        chosen = signer_among([key.times for key in keys if key.id in opened], now)
        if chosen is None:
            return None
        return Signer(chosen.id, Ed25519PrivateKey.from_private_bytes(opened[chosen.id]))

    async def _make(self, signs_from: datetime) -> Signer:
        signer = Signer(uuid4().hex, Ed25519PrivateKey.generate())
        public = signer.private_key.public_key().public_bytes_raw()
        key = SigningKey(
            id=signer.id,
            public_key=base64.urlsafe_b64encode(public).rstrip(b"=").decode(),
            sealed_private_key=self._seal.seal(signer.private_key.private_bytes_raw()),
            created_at=utc_now(),
            signs_from=signs_from,
            published_until=None,
        )
        await self._rows.add(key)
        end = signs_from + self._settings.longest_access_lifetime
        await self._rows.publish_others_until(signer.id, end)
        log.info("signing_key_made", key=signer.id, signs_from=signs_from.isoformat())
        return signer
