"""The base class of all results, and the charge of a request."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from farebox.calls import Response


class Result(BaseModel):
    """Base class of results: frozen, and unknown fields of a newer service are ignored."""

    # Pydantic would warn about the API's names that begin with `model_`.
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Charge(Result):
    """The tokens charged for a request, with the id of the receipt."""

    tokens: int
    balance: int
    receipt_id: str | None = None

    @classmethod
    def of(cls, response: Response) -> Self | None:
        """The charge in the response's headers, if any."""
        headers = response.headers
        if "x-tokens-charged" not in headers:
            return None
        return cls(
            tokens=int(headers["x-tokens-charged"]),
            balance=int(headers["x-tokens-balance"]),
            receipt_id=headers.get("x-receipt-id"),
        )
