"""Splits of challenges: shares, classes, equal rows, and the same parts for the same seed."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ml_service.learning.challenges.errors import ClassOnlyHidden, PartsTooSmall
from ml_service.learning.challenges.splitting import HoldoutSpec, HoldoutSplit, split_table
from ml_service.learning.tables import Table, read_csv

SPEC = HoldoutSpec("label", "accuracy", holdout_share=0.4, public_share=0.25)


def table(tmp_path: Path, rows: list[str], header: str = "a,b,label") -> Table:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return read_csv(path)


def many(tmp_path: Path, rows: int = 400, distinct: int = 400) -> Table:
    cells = (f"{row % distinct},{'xy'[row % distinct % 2]}{row % distinct}" for row in range(rows))
    return table(tmp_path, [f"{each},{('no', 'yes', 'no')[row % 3]}" for row, each in enumerate(cells)])


def features(part: pa.Table) -> set[str]:
    return set(part.column("b").to_pylist())


def sizes(split: HoldoutSplit) -> dict[str, int]:
    return {name: part.num_rows for name, part in split.parts.items()}


def test_shares_are_kept_in_each_class(tmp_path: Path) -> None:
    split = split_table(many(tmp_path), SPEC)
    assert sizes(split) == {
        "train": pytest.approx(240, abs=2),
        "public": pytest.approx(40, abs=2),
        "private": pytest.approx(120, abs=2),
    }
    for part in split.parts.values():
        share = part.column("label").to_pylist().count("yes") / part.num_rows
        assert share == pytest.approx(1 / 3, abs=0.03)


def test_rows_with_equal_features_are_in_one_part(tmp_path: Path) -> None:
    split = split_table(many(tmp_path, rows=400, distinct=90), SPEC)
    train, public, private = (features(split.parts[name]) for name in ("train", "public", "private"))
    assert not (train & public) | (train & private) | (public & private)
    assert sum(sizes(split).values()) == 400


def test_parts_follow_from_the_seed_alone(tmp_path: Path) -> None:
    source = many(tmp_path)
    first, again = split_table(source, SPEC), split_table(source, SPEC)
    other = split_table(source, HoldoutSpec("label", "accuracy", None, 0.4, 0.25, seed=1))
    assert first.parts["private"].equals(again.parts["private"])
    assert not first.parts["private"].equals(other.parts["private"])


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    rows = [f"{row},x{row},{('yes', 'no', '')[row % 3]}" for row in range(120)]
    assert sum(sizes(split_table(table(tmp_path, rows), SPEC)).values()) == 80


def test_class_of_one_row_is_never_hidden_alone(tmp_path: Path) -> None:
    rows = [f"{row},x{row},{'rare' if row == 7 else ('yes', 'no')[row % 2]}" for row in range(100)]
    for seed in range(10):
        spec = HoldoutSpec("label", "accuracy", None, 0.4, 0.25, seed)
        assert "rare" in split_table(table(tmp_path, rows), spec).parts["train"].column("label").to_pylist()


def test_class_that_only_hidden_rows_have_is_refused(tmp_path: Path) -> None:
    parts = ["train"] * 20 + ["public"] * 20 + ["private"] * 20
    rows = [
        f"{row},x{row},{'rare' if row > 57 else ('yes', 'no')[row % 2]},{part}"
        for row, part in enumerate(parts)
    ]
    source = table(tmp_path, rows, "a,b,label,part")
    with pytest.raises(ClassOnlyHidden):
        split_table(source, HoldoutSpec("label", "accuracy", "part"))


def test_regression_is_split_by_shares_with_its_baseline(tmp_path: Path) -> None:
    rows = [f"{row},x{row},{row * 1.5}" for row in range(200)]
    split = split_table(table(tmp_path, rows), HoldoutSpec("label", "mean_absolute_error", None, 0.5, 0.5))
    assert sizes(split) == {"train": 100, "public": 50, "private": 50}
    mean = np.mean(split.parts["train"].column("label").to_pylist())
    public = np.array(split.parts["public"].column("label").to_pylist())
    assert split.baselines["public"] == pytest.approx(np.abs(public - mean).mean())


def test_too_few_different_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PartsTooSmall):
        split_table(many(tmp_path, rows=400, distinct=8), SPEC)
