"""The parts that let a service check its callers."""

from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from kit.identity import TokenVerifier
from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings
from kit.trust_store import AuthServiceTrust, Trust, TrustSource


@dataclass(frozen=True)
class Access:
    """Puts what `kit.identity` and `kit.service_tokens` look for on the app's state."""

    identity: ServiceIdentity
    trust: Trust
    poll_seconds: float

    @classmethod
    def install(cls, app: FastAPI, settings: ServiceSettings, service: str) -> "Access":
        trust = Trust()
        identity = ServiceIdentity(settings, service)
        app.state.identity = identity
        app.state.verifier = TokenVerifier(settings, trust)
        return cls(identity, trust, settings.trust_poll_seconds)

    async def follow(self, source: TrustSource) -> None:
        await self.trust.follow(source, self.poll_seconds)

    async def follow_auth_service(self, client: httpx.AsyncClient, auth_url: str) -> None:
        await self.follow(AuthServiceTrust(client, self.identity, auth_url))
