"""Tables of the benchmarks, with a label for regression and one for classification."""

import numpy as np
import pandas as pd

SEED = 7
NUMBERS, CATEGORIES = 6, (3, 5, 8)
MIXED_FEATURES = [
    *(f"number_{number}" for number in range(NUMBERS)),
    *(f"text_{count}" for count in CATEGORIES),
]
WIDE_COLUMNS = 12
WIDE_FEATURES = [f"number_{number}" for number in range(WIDE_COLUMNS)]
LABELS = {"linear": "amount", "logistic": "kind", "knn": "amount"}


def label_of(model_type: str) -> str:
    return LABELS.get(model_type, "amount")


def mixed_table(rows: int) -> pd.DataFrame:
    """Nine features: six numbers and three texts."""
    random = np.random.default_rng(SEED)
    numbers = random.normal(size=(rows, NUMBERS)).round(4)
    texts = [random.integers(count, size=rows) for count in CATEGORIES]
    signal = 3 * numbers[:, 0] + numbers[:, 1] + 2 * (texts[0] == 1) + (texts[1] == 2)
    columns = [*numbers.T, *([f"category {code}" for code in codes] for codes in texts)]
    return _with_labels(dict(zip(MIXED_FEATURES, columns, strict=True)), signal, random)


def wide_table(rows: int) -> pd.DataFrame:
    """Twelve features, all of them numbers; 366,500 rows are 46 MB as CSV."""
    random = np.random.default_rng(SEED)
    numbers = random.normal(size=(rows, WIDE_COLUMNS)).round(6)
    signal = numbers @ random.normal(size=WIDE_COLUMNS)
    return _with_labels(dict(zip(WIDE_FEATURES, numbers.T, strict=True)), signal, random)


def _with_labels(
    features: dict[str, object], signal: np.ndarray, random: np.random.Generator
) -> pd.DataFrame:
    rows = len(signal)
    amount = (signal + random.normal(size=rows)).round(6)
    kind = np.where(signal + random.normal(size=rows) > signal.mean(), "yes", "no")
    return pd.DataFrame({**features, "amount": amount, "kind": kind})
