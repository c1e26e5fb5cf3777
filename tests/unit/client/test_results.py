"""The client's results have the fields of the services' answers, and know which may be null."""

from typing import Any

import pytest
from pydantic import BaseModel

from auth_service.api_keys.schemas import ApiKeyView, NewApiKeyView
from auth_service.sessions.schemas import SessionView
from auth_service.users.schemas import UserView as AccountView
from billing_service.ledger.schemas import EntryView, TransferView
from billing_service.prices.schemas import PriceView, QuoteView
from billing_service.purchases.schemas import PurchaseView
from billing_service.receipts.schemas import ReceiptView
from billing_service.usage.schemas import UsageView
from billing_service.verification.schemas import DifferenceView, Verification
from billing_service.wallets.schemas import GrantView, UserView, WalletView
from farebox.results import (
    accounts,
    api_keys,
    datasets,
    health,
    jobs,
    models,
    predictions,
    prices,
    reports,
    sessions,
    wallet,
)
from gateway.health.schemas import HealthView, PartView
from ml_service.datasets.schemas import (
    ColumnView,
    DatasetView,
    DialectView,
    FindingView,
    HistogramView,
    InspectedColumnView,
    InspectedDatasetView,
    PreviewView,
    QuantilesView,
    SuggestionView,
    ValueCountView,
)
from ml_service.jobs.schemas import JobErrorView, JobView
from ml_service.models.report_schemas import (
    CalibrationView,
    ConfusionMatrixView,
    CoverageView,
    ImportanceView,
    LearningView,
    MetricView,
    PrecisionRecallView,
    PredictedActualView,
    ReportRecipeView,
    ReportView,
    ResidualsView,
    RocView,
)
from ml_service.models.schemas import CandidateView, ModelSchemaView, ModelTypeView, ModelView, RecipeView
from ml_service.predictions.schemas import IntervalView, PredictionView, WarningView

PAIRS: list[tuple[type[BaseModel], type[BaseModel]]] = [
    (accounts.User, AccountView),
    (accounts.UserWallet, UserView),
    (sessions.Session, SessionView),
    (api_keys.ApiKey, ApiKeyView),
    (api_keys.NewApiKey, NewApiKeyView),
    (wallet.Wallet, WalletView),
    (wallet.Transfer, TransferView),
    (wallet.Entry, EntryView),
    (wallet.Usage, UsageView),
    (wallet.Purchase, PurchaseView),
    (wallet.Receipt, ReceiptView),
    (wallet.Grant, GrantView),
    (wallet.Difference, DifferenceView),
    (wallet.LedgerCheck, Verification),
    (prices.Price, PriceView),
    (prices.Quote, QuoteView),
    (datasets.Dataset, DatasetView),
    (datasets.Column, ColumnView),
    (datasets.InspectedDataset, InspectedDatasetView),
    (datasets.InspectedColumn, InspectedColumnView),
    (datasets.Dialect, DialectView),
    (datasets.Finding, FindingView),
    (datasets.Suggestion, SuggestionView),
    (datasets.Quantiles, QuantilesView),
    (datasets.Histogram, HistogramView),
    (datasets.ValueCount, ValueCountView),
    (datasets.Preview, PreviewView),
    (jobs.Job, JobView),
    (jobs.JobError, JobErrorView),
    (models.Model, ModelView),
    (models.ModelType, ModelTypeView),
    (models.ModelSchema, ModelSchemaView),
    (models.Recipe, RecipeView),
    (models.Candidate, CandidateView),
    (predictions.PredictionWarning, WarningView),
    (predictions.Interval, IntervalView),
    (health.SystemHealth, HealthView),
    (health.Part, PartView),
    (reports.Report, ReportView),
    (reports.Metric, MetricView),
    (reports.ConfusionMatrix, ConfusionMatrixView),
    (reports.Roc, RocView),
    (reports.PrecisionRecall, PrecisionRecallView),
    (reports.Calibration, CalibrationView),
    (reports.Residuals, ResidualsView),
    (reports.PredictedActual, PredictedActualView),
    (reports.Importance, ImportanceView),
    (reports.Learning, LearningView),
    (reports.Coverage, CoverageView),
    (reports.ReportRecipe, ReportRecipeView),
]
# What every session is, and nobody needs to be told.
LEFT_OUT = {SessionView: {"token_type"}}


def fields(model: type[BaseModel]) -> dict[str, bool]:
    """Each field, and whether it may be null."""
    properties: dict[str, Any] = model.model_json_schema(mode="serialization")["properties"]
    return {name: {"type": "null"} in each.get("anyOf", []) for name, each in properties.items()}


@pytest.mark.parametrize(("result", "view"), PAIRS)
def test_a_result_has_the_fields_of_the_answer(result: type[BaseModel], view: type[BaseModel]) -> None:
    told = {name: null for name, null in fields(view).items() if name not in LEFT_OUT.get(view, set())}

    assert fields(result) == told


def test_predictions_for_one_row_and_for_several_have_the_fields_of_the_answer_between_them() -> None:
    one, several = set(fields(predictions.Prediction)), set(fields(predictions.Predictions))

    assert (one | several) - {"charge"} == set(fields(PredictionView))
    assert one & several == {"model", "probabilities", "coverage", "warnings", "charge"}
