"""Who may pass: the access token or API key of a request, checked before anything is forwarded."""

from dataclasses import dataclass

from gateway.admission.api_keys import LONGEST_KEY, PREFIX, ApiKeys
from gateway.admission.rate_limiter import RateLimiter
from gateway.admission.rates import LimitClass
from gateway.admission.trusted_proxies import Origin
from kit.authentication import TokenVerifier
from kit.errors import Unauthenticated
from kit.identity import Caller


@dataclass(frozen=True, slots=True)
class Identified:
    caller: Caller
    authorization: str


class Callers:
    def __init__(self, verifier: TokenVerifier, api_keys: ApiKeys, limiter: RateLimiter) -> None:
        self._verifier, self._api_keys, self._limiter = verifier, api_keys, limiter

    async def identify(self, authorization: str, origin: Origin) -> Identified:
        """The caller, and the Authorization that goes upstream; raises Unauthenticated."""
        scheme, _, credential = authorization.partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise Unauthenticated(
                "Send an access token as 'Authorization: Bearer ...'; POST /v1/sessions gives one."
            )
        if not credential.startswith(PREFIX):
            return Identified(self._verifier.verify(credential), authorization)
        return await self._identify_key(credential, origin)

    async def _identify_key(self, api_key: str, origin: Origin) -> Identified:
        token = self._api_keys.kept_token(api_key)
        if token is None:
            if len(api_key) > LONGEST_KEY:
                raise Unauthenticated("The API key is not valid; copy all of it and nothing else.")
            # Guessing keys costs an exchange each, so exchanges are counted by address.
            self._limiter.take(LimitClass.API_KEY, origin.counted_as)
            token = await self._api_keys.ask(api_key)
        try:
            return Identified(self._verifier.verify(token), f"Bearer {token}")
        except Unauthenticated:
            self._api_keys.forget(api_key)
            raise Unauthenticated("The API key has expired or been revoked; make a new one.") from None
