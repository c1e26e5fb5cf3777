"""Dates as numeric features. Bundles of exported models contain a copy of this file."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

MICROSECONDS_A_DAY = 86_400_000_000


class DateParts(TransformerMixin, BaseEstimator):
    """Each date as year, month, day, weekday and days since 1970."""

    def fit(self, X: pd.DataFrame, y: object = None) -> "DateParts":  # noqa: ARG002 - scikit-learn's interface
        self.columns_ = list(X.columns)
        return self

    def transform(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        return np.hstack([_parts(pd.to_datetime(X[name])) for name in self.columns_])


def _parts(dates: pd.Series) -> npt.NDArray[np.float64]:
    moments = dates.to_numpy().astype("datetime64[us]")
    days = moments.astype(np.int64) / MICROSECONDS_A_DAY
    days[np.isnat(moments)] = np.nan
    parts = (dates.dt.year, dates.dt.month, dates.dt.day, dates.dt.day_of_week)
    return np.column_stack([*(part.to_numpy(np.float64, na_value=np.nan) for part in parts), days])
