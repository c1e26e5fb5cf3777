"""The client's results have the same fields as the services' responses, and the same nullable ones."""

from typing import Any

import pytest
from pydantic import BaseModel

from auth_service.api_keys.endpoints import ApiKeyView, NewApiKeyView
from auth_service.groups.code_endpoints import JoinCodeView
from auth_service.groups.endpoints import GroupView, MembershipView, MemberView
from auth_service.rosters.endpoints import LineErrorView, SeatView
from auth_service.sessions.endpoints import SessionView
from auth_service.users.endpoints import UserView as AccountView
from billing_service.groups.rule_schemas import LimitView, RuleView
from billing_service.groups.schemas import (
    Funds,
    GroupEntryView,
    GroupGrantView,
    GroupWallet,
    PayerView,
)
from billing_service.owners.endpoints import GrantView, UserView
from billing_service.prices.endpoints import PriceView, QuoteView
from billing_service.purchases.endpoints import PurchaseView
from billing_service.statements.schemas import (
    EntryView,
    PaidBy,
    ReceiptView,
    TransferView,
    UsageView,
    WalletView,
)
from billing_service.statements.verification import DifferenceView, GroupSums, Verification
from farebox.resources import datasets as requests
from farebox.results import (
    accounts,
    budgets,
    challenges,
    datasets,
    groups,
    health,
    jobs,
    models,
    predictions,
    reports,
    wallet,
)
from gateway.aggregate.endpoints import DiagnosisView, HealthView, ServiceHealthView
from gateway.aggregate.endpoints import FindingView as ServiceFindingView
from ml_service.boards.schemas import LeaderboardView, LineView
from ml_service.challenges.schemas import ChallengeView, ExtensionView, PartRows
from ml_service.datasets.reading_schemas import ColumnSettings, ReadingSettings, ReadingView
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
from ml_service.jobs.schemas import ComparisonView, JobErrorView, JobView
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
    SplitView,
)
from ml_service.models.schemas import CandidateView, ModelSchemaView, ModelTypeView, ModelView, RecipeView
from ml_service.predictions.schemas import IntervalView, PredictionView, WarningView
from ml_service.submissions.schemas import SubmissionView

PAIRS: list[tuple[type[BaseModel], type[BaseModel]]] = [
    (accounts.User, AccountView),
    (accounts.UserWallet, UserView),
    (accounts.SessionTokens, SessionView),
    (accounts.ApiKey, ApiKeyView),
    (accounts.NewApiKey, NewApiKeyView),
    (groups.Group, GroupView),
    (groups.Membership, MembershipView),
    (groups.Member, MemberView),
    (groups.JoinCode, JoinCodeView),
    (groups.Seat, SeatView),
    (groups.LineError, LineErrorView),
    (budgets.Payer, PayerView),
    (budgets.Funds, Funds),
    (budgets.GroupWallet, GroupWallet),
    (budgets.GroupGrant, GroupGrantView),
    (budgets.GroupEntry, GroupEntryView),
    (budgets.AllowanceRule, RuleView),
    (budgets.SpendingLimit, LimitView),
    (challenges.Challenge, ChallengeView),
    (challenges.Extension, ExtensionView),
    (challenges.PartRows, PartRows),
    (challenges.Submission, SubmissionView),
    (challenges.Leaderboard, LeaderboardView),
    (challenges.Line, LineView),
    (wallet.PaidBy, PaidBy),
    (wallet.GroupSums, GroupSums),
    (wallet.Wallet, WalletView),
    (wallet.Transfer, TransferView),
    (wallet.Entry, EntryView),
    (wallet.Usage, UsageView),
    (wallet.Purchase, PurchaseView),
    (wallet.Receipt, ReceiptView),
    (wallet.Grant, GrantView),
    (wallet.Difference, DifferenceView),
    (wallet.LedgerCheck, Verification),
    (wallet.Price, PriceView),
    (wallet.Quote, QuoteView),
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
    (jobs.Comparison, ComparisonView),
    (datasets.Reading, ReadingView),
    (datasets.ColumnReading, ColumnSettings),
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
    (health.ServiceHealth, ServiceHealthView),
    (health.Diagnosis, DiagnosisView),
    (health.ServiceFinding, ServiceFindingView),
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
    (reports.ReportSplit, SplitView),
    (reports.ReportRecipe, ReportRecipeView),
]
# Constant fields that the client ignores.
IGNORED = {SessionView: {"token_type"}}


def fields(model: type[BaseModel]) -> dict[str, bool]:
    """The fields; True for nullable ones."""
    properties: dict[str, Any] = model.model_json_schema(mode="serialization")["properties"]
    return {name: {"type": "null"} in property.get("anyOf", []) for name, property in properties.items()}


@pytest.mark.parametrize(("result", "view"), PAIRS)
def test_result_has_fields_of_response(result: type[BaseModel], view: type[BaseModel]) -> None:
    expected = {name: null for name, null in fields(view).items() if name not in IGNORED.get(view, set())}

    assert fields(result) == expected


@pytest.mark.parametrize(
    ("settings", "view"),
    [(requests.ReadingSettings, ReadingSettings), (requests.ColumnSettings, ColumnSettings)],
)
def test_settings_of_a_reading_are_those_of_the_service(settings: type, view: type[BaseModel]) -> None:
    assert settings.__optional_keys__ >= set(fields(view))


def test_predictions_for_one_and_many_rows_have_fields_of_response_together() -> None:
    one, several = set(fields(predictions.Prediction)), set(fields(predictions.Predictions))

    assert (one | several) - {"charge"} == set(fields(PredictionView))
    assert one & several == {"model", "probabilities", "coverage", "warnings", "warning_count", "charge"}
