"""Training script without Farebox: read, split, fit, score, dump. Arguments: CSV TYPE LABEL OUT."""

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

LABELS = ["amount", "kind"]
ESTIMATORS = {
    "linear": LinearRegression(),
    "logistic": LogisticRegression(max_iter=1000),
    "random_forest": RandomForestRegressor(n_estimators=100),
}


def main(csv: str, model_type: str, label: str, out: str) -> None:
    table = pd.read_csv(csv)
    parts = train_test_split(table.drop(columns=LABELS), table[label], train_size=0.8)
    features, test_features, training_label, test_label = parts
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    prepare = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("texts", texts, make_column_selector(dtype_exclude="number")),
        ]
    )
    pipeline = make_pipeline(prepare, ESTIMATORS[model_type])
    pipeline.fit(features, training_label)
    pipeline.score(test_features, test_label)
    joblib.dump(pipeline, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
