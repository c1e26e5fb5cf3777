"""What all results share."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from farebox.calls import Answer


class Result(BaseModel):
    """Frozen, and open to fields that this version of the client does not know."""

    # A field such as `model_type` is the wire's name, not pydantic's business.
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Charge(Result):
    """What a request cost: in whole tokens, with the receipt that explains it."""

    tokens: int
    balance: int
    receipt_id: str | None = None

    @classmethod
    def of(cls, answer: Answer) -> Self | None:
        """As the answer's headers tell it."""
        told = answer.headers
        if "x-tokens-charged" not in told:
            return None
        return cls(
            tokens=int(told["x-tokens-charged"]),
            balance=int(told["x-tokens-balance"]),
            receipt_id=told.get("x-receipt-id"),
        )
