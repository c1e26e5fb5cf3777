"""Predictions."""

from collections.abc import Callable
from typing import TypedDict, TypeVar, Unpack

from farebox.calls import Answer, Call, keyed, one
from farebox.operations import Group, S, operation
from farebox.resources.models import model_path
from farebox.results.base import Charge
from farebox.results.predictions import Prediction, Predictions
from farebox.tables import Row, Rows, row_of, rows_of

Told = TypeVar("Told", Prediction, Predictions)
PREDICT_SECONDS = 60.0


class PredictionOptions(TypedDict, total=False):
    """What else is wanted of a prediction."""

    probabilities: bool
    """The probability of each class, from models that tell classes apart."""
    coverage: float
    """How often the interval or the set of labels is to cover the truth, from 0.5 to 0.99."""
    idempotency_key: str
    """Your own key, to repeat in a later run a question whose answer was lost."""


class PredictionOperations(Group[S]):
    """Asking models. One row costs a prediction, more cost a batch; an answer that fails costs nothing.

    At the same price, `probabilities` asks for each class's, and `coverage`, such as 0.9, for the interval of
    a number or the set of labels that covers the truth that often.
    """

    @operation
    def one(self, model: str, features: Row, **options: Unpack[PredictionOptions]) -> Call[Prediction]:
        """What a model says about one row, given as a mapping from column to value."""
        return _predict_call(model, {"features": row_of(features)}, Prediction, options)

    @operation
    def many(self, model: str, rows: Rows, **options: Unpack[PredictionOptions]) -> Call[Predictions]:
        """What a model says about each of several rows, given as mappings or as a DataFrame."""
        return _predict_call(model, {"rows": rows_of(rows)}, Predictions, options)


def _predict_call(
    model: str, question: dict[str, object], kind: type[Told], options: PredictionOptions
) -> Call[Told]:
    key = options.pop("idempotency_key", None)
    return Call(
        "POST",
        model_path(model, "/predict"),
        _with_charge(kind),
        json={**question, **options},
        headers=keyed(key),
        seconds=PREDICT_SECONDS,
    )


def _with_charge(kind: type[Told]) -> Callable[[Answer], Told]:
    read_body = one(kind)

    def read(answer: Answer) -> Told:
        return read_body(answer).model_copy(update={"charge": Charge.of(answer)})

    return read
