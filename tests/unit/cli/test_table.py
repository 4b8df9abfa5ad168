from pfs_provider.cli.table import table_lines


def test_columns_line_up_and_lines_have_no_tail() -> None:
    assert list(table_lines(["A", "LONG", "LAST"], [["aaa", "b", "c"], ["a", "", ""]])) == [
        "A     LONG   LAST",
        "aaa   b      c",
        "a",
    ]


def test_rows_come_before_the_last_one_is_known() -> None:
    def rows() -> object:
        yield ["1"]
        raise AssertionError

    lines = table_lines(["A"], rows(), batch=1)  # type: ignore[arg-type] # a generator

    assert [next(lines), next(lines)] == ["A", "1"]


def test_later_rows_widen_columns() -> None:
    lines = list(table_lines(["A", "B"], [["1", "x"], ["12345", "y"]], batch=1))

    assert lines == ["A   B", "1   x", "12345   y"]
