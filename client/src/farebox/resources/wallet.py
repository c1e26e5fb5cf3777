"""The wallet, and where each token went."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from farebox.calls import Call, keyed, one, text
from farebox.operations import Group, S, listing, operation
from farebox.resources.pages import every_page, list_of
from farebox.results.wallet import Purchase, Receipt, Transfer, Usage, Wallet
from farebox.session import Exchange
from farebox.steps import Emits

GroupBy = Literal["day", "action", "model"]


class WalletOperations(Group[S]):
    """The account's tokens."""

    @operation
    def balance(self) -> Call[Wallet]:
        """What is in the wallet, and how much of it can be spent."""
        return Call("GET", "/v1/me/wallet", one(Wallet))

    @listing
    def ledger(self) -> Emits[Transfer]:
        """Every movement of tokens, newest first."""
        return every_page(self.exchange, list_of("/v1/me/ledger", Transfer))

    @operation
    def ledger_csv(self) -> Call[str]:
        """Every movement of tokens as CSV."""
        return Call("GET", "/v1/me/ledger", text, headers={"Accept": "text/csv"})

    @listing
    def usage(
        self, group_by: GroupBy = "day", *, since: datetime | None = None, until: datetime | None = None
    ) -> Emits[Usage]:
        """Tokens spent by day, newest first, or by action or model, most first."""
        return usage_flow(self.exchange, "/v1/me/usage", UsageQuestion(group_by, since, until))

    @operation
    def buy(self, amount: int, *, credit_card: str, idempotency_key: str | None = None) -> Call[Purchase]:
        """Buy tokens with a card; only its brand and last four digits are kept."""
        order = {"amount": amount, "credit_card": credit_card}
        return Call("POST", "/v1/purchases", one(Purchase), json=order, headers=keyed(idempotency_key))

    @operation
    def receipt(self, receipt_id: str) -> Call[Receipt]:
        """Why tokens moved."""
        return Call("GET", f"/v1/receipts/{quote(receipt_id, safe='')}", one(Receipt))


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    group_by: str
    since: datetime | None
    until: datetime | None


def usage_flow(exchange: Exchange, path: str, question: UsageQuestion) -> Emits[Usage]:
    params = {
        "group_by": question.group_by,
        "from": question.since.isoformat() if question.since else None,
        "to": question.until.isoformat() if question.until else None,
    }
    return every_page(exchange, list_of(path, Usage, params))
