from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyechart.core.errors import EyechartError
from eyechart.evaluation import predictions, scores


def a_part(rows: int, classes: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), rows).astype(np.float32)
    return rng.permutation(10 * rows)[:rows], rng.integers(0, classes, rows, dtype=np.uint8), probabilities


def a_table(validation: int = 5, test: int = 7, classes: int = 3) -> pd.DataFrame:
    return predictions.make_table({"validation": a_part(validation, classes, 1), "test": a_part(test, classes, 2)})


def test_columns_and_dtypes():
    table = a_table()
    assert list(table.columns) == ["part", "index", "label", "prediction", "p0", "p1", "p2"]
    assert [str(dtype) for dtype in table.dtypes[1:]] == ["int64", "int32", "int32"] + ["float32"] * 3
    assert table["part"].tolist() == ["validation"] * 5 + ["test"] * 7


@given(rows=st.integers(0, 20), classes=st.integers(2, 12), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_table_holds_what_it_was_given(rows: int, classes: int, seed: int):
    indices, labels, probabilities = a_part(rows, classes, seed)
    table = predictions.make_table({"test": (indices, labels, probabilities)})
    assert predictions.class_count(table) == classes
    np.testing.assert_array_equal(table["index"], indices)
    np.testing.assert_array_equal(table["label"], labels)
    np.testing.assert_array_equal(predictions.probabilities(table), probabilities)
    np.testing.assert_array_equal(table["prediction"], probabilities.argmax(axis=1))


def test_of_equally_probable_classes_the_lowest_is_predicted():
    half = np.array([[0.2, 0.4, 0.4]], dtype=np.float32)
    assert predictions.make_table({"test": (np.array([0]), np.array([2]), half)})["prediction"].tolist() == [1]


def test_where_a_network_gives_no_numbers_it_guesses():
    indices, labels, probabilities = a_part(3000, 5)
    probabilities[1] = np.nan
    probabilities[3:, 2] = np.inf
    parts = {"test": (indices, labels, probabilities)}
    tables = [predictions.make_table(parts, seed) for seed in (0, 0, 1)]
    given = predictions.probabilities(tables[0])
    np.testing.assert_array_equal(given[[0, 2]], probabilities[[0, 2]])
    assert given[1].tolist() == given[3].tolist() == [np.float32(0.2)] * 5
    assert scores.accuracy(tables[0]) == pytest.approx(0.2, abs=0.03)  # chance, whichever class is frequent
    assert scores.accuracy(tables[0][tables[0]["label"] == 4]) == pytest.approx(0.2, abs=0.06)
    assert scores.loss(tables[0]) == pytest.approx(np.log(5), abs=0.01)
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])


def test_columns_of_probabilities_are_in_the_order_of_the_classes():
    table = a_table(classes=12)
    shuffled = table[sorted(table.columns)]  # p0, p1, p10, p11, p2, ...
    np.testing.assert_array_equal(predictions.probabilities(shuffled), predictions.probabilities(table))


def test_arrays_that_do_not_fit_together():
    indices, labels, probabilities = a_part(4, 3)
    with pytest.raises(ValueError, match="at least one part"):
        predictions.make_table({})
    with pytest.raises(ValueError, match="Received for 'test'"):
        predictions.make_table({"test": (indices[:3], labels, probabilities)})
    with pytest.raises(ValueError, match="same K"):
        predictions.make_table({"validation": a_part(4, 2), "test": (indices, labels, probabilities)})


def test_part_of():
    table = a_table()
    assert len(predictions.part_of(table, "test")) == 7
    with pytest.raises(EyechartError, match="no rows of the part 'train', only of: 'validation', 'test'"):
        predictions.part_of(table, "train")


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_round_trip(tmp_path: Path, classes: int):
    table = a_table(classes=classes)
    path = tmp_path / "folder" / "predictions.parquet"
    predictions.write(table, path)
    pd.testing.assert_frame_equal(predictions.read(path), table)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_equal_tables_are_equal_bytes(tmp_path: Path):
    for name in ("a", "b"):
        predictions.write(a_table(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("column", ["part", "index", "label", "prediction", "p0", "p1"])
def test_missing_column_is_named(tmp_path: Path, column: str):
    path = tmp_path / "predictions.parquet"
    predictions.write(a_table().drop(columns=column), path)
    with pytest.raises(EyechartError, match=f"\\(missing columns {column}\\): to have it again"):
        predictions.read(path)


def test_another_table(tmp_path: Path):
    path = tmp_path / "predictions.parquet"
    pd.DataFrame({"epoch": [1]}).to_parquet(path)
    with pytest.raises(EyechartError, match="missing columns part, index, label, prediction, p0, p1"):
        predictions.read(path)


def test_wrong_dtype_and_wrong_class(tmp_path: Path):
    path = tmp_path / "predictions.parquet"
    predictions.write(a_table().astype({"label": float}), path)
    with pytest.raises(EyechartError, match=r"expected int32 in column 'label', received float64"):
        predictions.read(path)
    predictions.write(a_table().replace({"label": {2: 3}}), path)
    with pytest.raises(EyechartError, match=r"expected classes 0 to 2, received 0 to 3"):
        predictions.read(path)


def test_files_that_are_not_tables(tmp_path: Path):
    with pytest.raises(EyechartError, match=r"there is no .*predictions.parquet: to have it again, move"):
        predictions.read(tmp_path / "predictions.parquet")
    for content in (b"", b"no table", b"PAR1" + bytes(100) + b"PAR1"):
        broken = tmp_path / "broken.parquet"
        broken.write_bytes(content)
        with pytest.raises(EyechartError, match=r"broken\.parquet is not a readable Parquet file") as error:
            predictions.read(broken)
        assert "\n" not in str(error.value)


def test_truncated_file(tmp_path: Path):
    path = tmp_path / "predictions.parquet"
    predictions.write(a_table(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EyechartError, match="not a readable Parquet file"):
        predictions.read(path)


def test_groups_are_a_further_column(tmp_path: Path):
    parts = {"validation": a_part(5, 3, 1), "test": a_part(7, 3, 2)}
    groups = {"test": np.arange(7) // 2, "validation": np.arange(5) + 4}
    table = predictions.make_table(parts, groups=groups)
    assert list(table.columns)[-2:] == ["p2", "group"]
    assert table["group"].tolist() == [4, 5, 6, 7, 8, 0, 0, 1, 1, 2, 2, 3]
    assert predictions.class_count(table) == 3
    path = tmp_path / "predictions.parquet"
    predictions.write(table, path)
    pd.testing.assert_frame_equal(predictions.read(path), table)
    predictions.write(table.astype({"group": "int32"}), path)
    with pytest.raises(EyechartError, match=r"expected int64 in column 'group', received int32"):
        predictions.read(path)
    with pytest.raises(ValueError, match=r"Groups must be \(5,\) for 'validation'. Received: \(4,\)"):
        predictions.make_table(parts, groups=groups | {"validation": np.arange(4)})
