"""Training script without Farebox: read, split, fit, score, dump. Arguments: CSV TYPE OUT."""

import sys

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(csv: str, model_type: str, out: str) -> None:
    table = pd.read_csv(csv)
    features, label = table.drop(columns=["label_number", "label_class"]), table[label_of(model_type)]
    training, test, training_label, test_label = train_test_split(features, label, train_size=0.8)
    prepare = ColumnTransformer(
        [("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), list(features))]
    )
    estimator = LinearRegression() if model_type == "linear" else LogisticRegression(max_iter=1000)
    pipeline = make_pipeline(prepare, estimator)
    pipeline.fit(training, training_label)
    pipeline.score(test, test_label)
    joblib.dump(pipeline, out)


def label_of(model_type: str) -> str:
    return "label_number" if model_type == "linear" else "label_class"


if __name__ == "__main__":
    main(*sys.argv[1:])
