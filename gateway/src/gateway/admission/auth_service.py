"""auth-service, asked over HTTP what an API key stands for."""

import httpx

from gateway.admission.api_keys import Exchanged
from gateway.errors import UpstreamDown
from kit.errors import Unauthenticated
from kit.service_tokens import ServiceIdentity


class AuthServiceKeys:
    def __init__(self, client: httpx.AsyncClient, identity: ServiceIdentity, auth_url: str) -> None:
        self._client, self._identity = client, identity
        self._url = f"{auth_url}/internal/api-keys/exchange"

    async def exchange(self, api_key: str) -> Exchanged:
        headers = self._identity.headers_for("auth-service")
        try:
            answer = await self._client.post(self._url, json={"api_key": api_key}, headers=headers, timeout=2)
        except httpx.TransportError as error:
            raise UpstreamDown from error
        # Its other refusals concern the key's shape, which is no reason to say more.
        if 400 <= answer.status_code < 500:
            raise Unauthenticated("The API key is not valid, or has expired or been revoked; make a new one.")
        if not answer.is_success:
            raise UpstreamDown
        body = answer.json()
        return Exchanged(body["access_token"], body["expires_in"])
