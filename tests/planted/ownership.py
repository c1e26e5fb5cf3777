"""Faults of ownership: one user reads, uses or deletes what belongs to another."""

from tests.planted.fault import Fault

ML = "ml-service/src/ml_service"
BILLING = "billing-service/src/billing_service"
TESTS = "tests/integration"

OWNERSHIP = [
    Fault(
        "models-of-others-shown",
        f"{ML}/models/repository.py",
        "    return select(Model).where(Model.user_id == user_id, Model.ready_at.is_not(None))\n",
        "    return select(Model).where(Model.ready_at.is_not(None))\n",
        f"{TESTS}/ml/test_access.py::test_model_of_another_user_is_not_found[GET-/v1/models/1_m]",
    ),
    Fault(
        "models-of-others-used",
        f"{ML}/models/repository.py",
        "where(Model.name == name, Model.user_id == user_id, Model.ready_at.is_not(None))\n        row",
        "where(Model.name == name, Model.ready_at.is_not(None))\n        row",
        f"{TESTS}/ml/test_predictions.py::test_model_of_another_user_is_not_found",
    ),
    Fault(
        "datasets-of-others-shown",
        f"{ML}/datasets/repository.py",
        "    return select(Dataset).where(Dataset.user_id == user_id)\n",
        "    return select(Dataset)\n",
        f"{TESTS}/ml/test_datasets.py::test_dataset_of_another_user_is_not_found",
    ),
    Fault(
        "datasets-of-others-deleted",
        f"{ML}/datasets/repository.py",
        "select(Dataset.location).where(Dataset.id == dataset_id, Dataset.user_id == user_id)\n",
        "select(Dataset.location).where(Dataset.id == dataset_id)\n",
        f"{TESTS}/ml/test_datasets.py::test_dataset_of_another_user_is_not_found",
    ),
    Fault(
        "jobs-of-others-shown",
        f"{ML}/jobs/repository.py",
        "        return await self._session.scalar("
        "select(Job).where(Job.id == job_id, Job.user_id == user_id))\n",
        "        return await self._session.scalar(select(Job).where(Job.id == job_id))\n",
        f"{TESTS}/ml/test_training.py::test_job_of_another_user_is_404",
    ),
    Fault(
        "jobs-of-others-cancelled",
        f"{ML}/jobs/repository.py",
        "        statement = select(Job).where(Job.id == job_id, Job.user_id == user_id)\n",
        "        statement = select(Job).where(Job.id == job_id)\n",
        f"{TESTS}/ml/test_training.py::test_job_of_another_user_is_404",
    ),
    Fault(
        "receipts-of-others-shown",
        f"{BILLING}/statements/endpoints.py",
        "    if receipt is None or not (caller.is_admin or receipt.owner_id == caller.user_id):\n",
        "    if receipt is None:\n",
        f"{TESTS}/billing/test_statements.py::TestReceipts::test_receipt_of_another_user_is_404",
    ),
    Fault(
        "usage-of-others-summed",
        f"{BILLING}/statements/queries.py",
        "        conditions.append(Receipt.owner_id == query.user_id)\n",
        "        pass\n",
        f"{TESTS}/billing/test_statements.py::TestUsage::test_usage_of_other_users_is_excluded",
    ),
    Fault(
        "quotes-of-others-used",
        f"{BILLING}/ledger/charge_rules.py",
        "if quote is None or quote.user_id != command.user_id or quote.price.action",
        "if quote is None or quote.price.action",
        "tests/unit/billing/test_hold_rules.py::test_quote_of_another_user_is_refused",
    ),
    Fault(
        "charges-of-others-refunded",
        f"{BILLING}/ledger/charge_rules.py",
        "    if charge is not None and charge.owner_id != command.user_id:\n",
        "    if False:\n",
        "tests/unit/billing/test_charge_rules.py::TestRefund::test_refund_by_another_user_is_refused",
    ),
    Fault(
        "api-keys-of-others-revoked",
        "auth-service/src/auth_service/api_keys/repository.py",
        "        own = (StoredApiKey.id == key_id, StoredApiKey.user_id == user_id)\n",
        "        own = (StoredApiKey.id == key_id,)\n",
        f"{TESTS}/auth/test_api_keys.py::test_another_users_key_is_not_found",
    ),
    Fault(
        "api-keys-of-others-listed",
        "auth-service/src/auth_service/api_keys/repository.py",
        "            .where(StoredApiKey.user_id == user_id, StoredApiKey.id < before)\n",
        "            .where(StoredApiKey.id < before)\n",
        f"{TESTS}/auth/test_api_keys.py::test_another_users_key_is_not_found",
    ),
]
