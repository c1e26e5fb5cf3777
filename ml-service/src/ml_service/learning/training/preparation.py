"""What happens to features before a model sees them; part of the model, fitted on the training part."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ml_service.learning.tables import Kind
from ml_service.learning.training.dates import DateParts

MOST_CATEGORIES = 50
DATE_PARTS = 5


def preparation(frame: pd.DataFrame, kinds: dict[str, Kind], scaled: bool) -> ColumnTransformer:
    """The unfitted preparation of such a frame: numbers, then parts of dates, then categories."""
    named: dict[str, list[str]] = {"number": [], "date": [], "text": []}
    for name, kind in kinds.items():
        named[kind].append(name)
    filled = [("fill", SimpleImputer(strategy="median", keep_empty_features=True))]
    numeric: list[Any] = [*filled, ("scale", StandardScaler())] if scaled else filled  # Any: transformers
    categories: Any = [
        common_categories(pd.Series(frame[name])) for name in named["text"]
    ]  # Any: lists or "auto"
    encoder = OneHotEncoder(
        categories=categories,
        handle_unknown="ignore",  # also what a missing cell is: none of the categories
        sparse_output=False,
    )
    steps: list[Any] = [  # Any: transformers
        ("number", Pipeline(numeric), named["number"]),
        ("date", Pipeline([("parts", DateParts()), *numeric]), named["date"]),
        ("text", encoder, named["text"]),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0)


def common_categories(texts: pd.Series) -> npt.NDArray[np.object_]:
    """The most common categories in alphabetical order; the first of equals is kept."""
    counts = sorted(texts.value_counts().items(), key=lambda pair: (-pair[1], str(pair[0])))
    common = sorted(str(text) for text, _ in counts[:MOST_CATEGORIES])
    # A training part without any value still needs a category; no cell is ever an empty text.
    return np.array(common or [""], dtype=object)
