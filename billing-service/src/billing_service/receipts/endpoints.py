"""What was charged or bought."""

from uuid import UUID

from billing_service.dependencies import Receipts
from billing_service.errors import ReceiptNotFound
from billing_service.receipts.schemas import ReceiptView
from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import Unauthenticated
from kit.problems import documented

router = strict_router("/v1/receipts", ["wallet"])


@router.get("/{receipt_id}", responses=documented(Unauthenticated, ReceiptNotFound))
async def show_receipt(receipt_id: UUID, caller: Reader, receipts: Receipts) -> ReceiptView:
    """Why tokens were charged, or what was bought; administrators may see everybody's."""
    receipt = await receipts.find(receipt_id)
    if receipt is None or not (caller.is_admin or receipt.owner_id == caller.user_id):
        raise ReceiptNotFound
    return ReceiptView.model_validate(receipt)
