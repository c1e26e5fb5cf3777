"""Refusals that have to do with tokens."""

from farebox.errors.by_status import Conflict, InvalidInput, Malformed, NotFound, PaymentRefused


class NotEnoughTokens(PaymentRefused):
    """The wallet holds less than this costs; `required` and `available` say how much."""

    code = "not_enough_tokens"

    @property
    def required(self) -> int | None:
        return self._tokens("required")

    @property
    def available(self) -> int | None:
        return self._tokens("available")

    def _tokens(self, member: str) -> int | None:
        count = self.members.get(member)
        return count if isinstance(count, int) else None


class TokenCapReached(NotEnoughTokens):
    """This API key has spent all it may ever spend."""

    code = "token_cap_reached"


class CardDeclined(PaymentRefused):
    """The card was declined and nothing was charged."""

    code = "card_declined"


class WalletNotFound(NotFound):
    code = "wallet_not_found"


class ReceiptNotFound(NotFound):
    code = "receipt_not_found"


class AccountNotFound(NotFound):
    code = "account_not_found"


class AccountMismatch(Malformed):
    code = "account_mismatch"


class BudgetTooSmall(InvalidInput):
    """The budget of a comparison pays for no candidate; nothing was charged."""

    code = "budget_too_small"


class QuoteNotFound(NotFound):
    code = "quote_not_found"


class QuoteExpired(Conflict):
    """Ask for a new quote."""

    code = "quote_expired"


class IdempotencyKeyReused(InvalidInput):
    """The key was used before with other input; nothing was done."""

    code = "idempotency_key_reused"


class IdempotencyTwinRunning(Conflict):
    """A request with the same key is still running."""

    code = "idempotency_twin_running"
