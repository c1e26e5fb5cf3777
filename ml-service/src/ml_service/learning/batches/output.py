"""The columns that an answer adds to a file."""

import orjson

from ml_service.learning.batches.formats import Added, AddedKind, Values
from ml_service.learning.predictors import Asked, Predictions, Predictor
from ml_service.learning.predictors.encoding import Faults

ERROR = "error"


def added_columns(predictor: Predictor, asked: Asked) -> Added:
    """In the order in which `values_of` gives them."""
    classes = predictor.classes
    whole = bool(classes) and all(isinstance(each, int) for each in classes)
    said: AddedKind = "whole" if whole else "text" if classes else "number"
    added: dict[str, AddedKind] = {"prediction": said}
    if asked.probabilities:
        added.update({f"probability_{label}": "number" for label in classes})
    if asked.coverage is not None:
        added.update({"label_set": "text"} if classes else {"low": "number", "high": "number"})
    added[ERROR] = "text"
    return added


def values_of(said: Predictions, faults: Faults) -> Values:
    """Nothing but its fault for a row that has one."""
    columns: list[list[object]] = [list(said.values)]
    if said.probabilities is not None:
        columns += [list(each) for each in zip(*said.probabilities, strict=True)]
    if said.label_sets is not None:
        columns.append([orjson.dumps(each).decode() for each in said.label_sets])
    if said.intervals is not None:
        columns += [list(each) for each in zip(*said.intervals, strict=True)]
    for column in columns:
        for index in faults:
            column[index] = None
    return [*columns, [faults.get(index) for index in range(len(said.values))]]
