"""Speed of reading: all checks of a clean file cost at most half of pyarrow's own time more."""

from pathlib import Path

from bench.reading import compare_readers, write_wide_table


def test_clean_file_is_read_in_at_most_one_and_a_half_times_pyarrows_time(tmp_path: Path) -> None:
    measure = compare_readers(write_wide_table(tmp_path))
    assert measure.reached, measure
