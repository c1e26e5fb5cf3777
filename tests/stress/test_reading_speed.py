"""Speed of reading: all checks of a clean file take at most half as much processor time as pyarrow itself."""

from pathlib import Path

from bench.reading import compare_readers, write_wide_table


def test_clean_file_is_read_in_at_most_one_and_a_half_times_pyarrows_time(tmp_path: Path) -> None:
    # By the clock, the result would depend on who else uses the processors.
    measure = compare_readers(write_wide_table(tmp_path)).processor
    assert measure.reached, measure
