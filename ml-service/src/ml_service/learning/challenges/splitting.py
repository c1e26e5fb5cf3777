"""Split of a table into the rows to train on, the public hidden ones and the private hidden ones.

Rows with equal features stay in one part: otherwise a model that remembers would know hidden labels.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.challenges.errors import (
    ClassOnlyHidden,
    EqualRowsApart,
    MetricUndefined,
    PartsTooSmall,
    SplitValuesUnknown,
)
from ml_service.learning.challenges.metric_rules import REGRESSION, MetricName
from ml_service.learning.challenges.metrics import Truth, baseline
from ml_service.learning.tables import Json, Table

PARTS = ("train", "public", "private")
TRAIN, PUBLIC, PRIVATE = range(3)
HIDDEN = (PUBLIC, PRIVATE)
FEWEST_ROWS = 5

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HoldoutSpec:
    """The label and metric of a challenge, and its split: by a column, or by shares.

    `holdout_share` is the share of hidden rows, and `public_share` the share of public rows among them.
    """

    label: str
    metric: MetricName
    column: str | None = None
    holdout_share: float = 0.0
    public_share: float = 0.0
    seed: int = 0

    def to_json(self) -> Json:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class HoldoutSplit:
    """The rows of each part, and the baseline of each hidden part."""

    parts: Mapping[str, pa.Table]
    baselines: Mapping[str, float]


def split_table(table: Table, spec: HoldoutSpec) -> HoldoutSplit:
    """Raises a SplitError that names no row."""
    rows = _labelled_rows(table, spec)
    labels = rows.column(spec.label)
    features = rows.drop_columns([spec.label])
    groups = _groups_of_equal_rows(features)
    is_regression = spec.metric in REGRESSION
    truth = _numbers(labels) if is_regression else _codes(labels)
    if spec.column is None:
        parts = _by_shares(groups, None if is_regression else truth.labels, spec)
    else:
        cells = table.columns[spec.column].cells.filter(pc.is_valid(table.columns[spec.label].cells))
        parts = _by_column(cells, groups)
    _check(parts, truth, groups)
    training = truth.take(np.flatnonzero(parts == TRAIN))
    baselines = {
        PARTS[part]: baseline(spec.metric, training, truth.take(np.flatnonzero(parts == part)))
        for part in HIDDEN
    }
    defined = {name: value for name, value in baselines.items() if value is not None}
    if len(defined) < len(HIDDEN):
        raise MetricUndefined
    chosen = {name: rows.filter(pa.array(parts == number)) for number, name in enumerate(PARTS)}
    return HoldoutSplit(chosen, defined)


def _labelled_rows(table: Table, spec: HoldoutSpec) -> pa.Table:
    """The rows that have a label, without the split's column."""
    columns = {name: each.cells for name, each in table.columns.items() if name != spec.column}
    return pa.table(columns).filter(pc.is_valid(table.columns[spec.label].cells))


def _groups_of_equal_rows(features: pa.Table) -> Positions:
    """A number for each row, equal for equal features; a collision of hashes puts two groups into one."""
    import pandas as pd

    if features.num_columns == 0:
        return np.zeros(features.num_rows, np.int64)
    # Texts, as equal numbers may have several types.
    texts = {name: features.column(name).cast(pa.string()).combine_chunks() for name in features.column_names}
    hashes = pd.util.hash_pandas_object(pa.table(texts).to_pandas(), index=False).to_numpy()
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _by_column(cells: pa.ChunkedArray, groups: Positions) -> Positions:
    names = pc.utf8_lower(pc.utf8_trim_whitespace(cells.cast(pa.string())))
    found = pc.index_in(names, pa.array(PARTS))
    if found.null_count:
        raise SplitValuesUnknown
    parts = found.to_numpy().astype(np.int64)
    firsts = np.zeros(groups.max() + 1, np.int64)
    firsts[groups] = parts
    if not np.array_equal(firsts[groups], parts):
        raise EqualRowsApart
    return parts


def _by_shares(groups: Positions, classes: Positions | None, spec: HoldoutSpec) -> Positions:
    """Each class is split by the shares; the class of a group of equal rows is that of its first row."""
    count = groups.max() + 1
    sizes = np.bincount(groups, minlength=count)
    class_of = np.zeros(count, np.int64)
    if classes is not None:
        class_of[groups[::-1]] = classes[::-1]
    order = np.random.default_rng(spec.seed).permutation(count)
    order = order[np.argsort(class_of[order], kind="stable")]
    public = spec.holdout_share * spec.public_share
    part_of = np.zeros(count, np.int64)
    for each in np.unique(class_of):
        members = order[class_of[order] == each]
        ends = np.cumsum(sizes[members])
        middles = (ends - sizes[members] / 2) / ends[-1]
        chosen = np.where(middles < public, PUBLIC, np.where(middles < spec.holdout_share, PRIVATE, TRAIN))
        part_of[members] = chosen
    return part_of[groups]


def _check(parts: Positions, truth: Truth, groups: Positions) -> None:
    for part in range(len(PARTS)):
        if len(np.unique(groups[parts == part])) < FEWEST_ROWS:
            raise PartsTooSmall(FEWEST_ROWS)
    if truth.classes and len(np.unique(truth.labels[parts == TRAIN])) < truth.classes:
        raise ClassOnlyHidden


def _numbers(labels: pa.ChunkedArray) -> Truth:
    return Truth(labels.cast(pa.float64(), safe=False).to_numpy())


def _codes(labels: pa.ChunkedArray) -> Truth:
    classes, codes = np.unique(np.asarray(labels.to_pylist(), dtype=object).astype(str), return_inverse=True)
    return Truth(codes.astype(np.int64), len(classes))
