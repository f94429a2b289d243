from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kept.errors import ConfigurationError, Stop
from producers.sources.problems import RowProblem
from producers.sources.tables import Row, Table


def rows_of(path: Path, delimiter: str = ",") -> list[Row | RowProblem]:
    with Table(path, delimiter) as table:
        return list(table.rows())


def write(folder: Path, content: bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_rows_carry_the_line_they_end_on(tmp_path: Path) -> None:
    path = write(tmp_path, b'id,text\n1,"two\nlines"\n2,b\n')
    assert rows_of(path) == [Row(3, ["1", "two\nlines"]), Row(4, ["2", "b"])]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path: Path) -> None:
    with Table(write(tmp_path, b"\xef\xbb\xbfid,text\r\n1,a\r\n")) as table:
        assert table.header == ["id", "text"]
        assert list(table.rows()) == [Row(2, ["1", "a"])]


def test_a_compressed_file_reads_like_a_plain_one(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress("id,text\n1,ü\n".encode()), "table.csv.gz")
    assert rows_of(path) == [Row(2, ["1", "ü"])]


def test_a_row_with_too_few_or_too_many_fields_is_a_problem_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, b"id,text\n1\n2,b\n\n3,c,d\n")
    assert rows_of(path) == [
        RowProblem(2, "1 fields, the header has 2"),
        Row(3, ["2", "b"]),
        RowProblem(5, "3 fields, the header has 2"),
    ]


def test_a_broken_quotation_is_a_problem_and_reading_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path, b'id,text\n1,"a"b\n2,b\n3,"never closed\n')
    first, second, third = rows_of(path)
    assert isinstance(first, RowProblem) and first.line == 2 and "not readable as CSV" in first.reason
    assert second == Row(3, ["2", "b"])
    assert isinstance(third, RowProblem) and "unexpected end of data" in third.reason


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("table.csv", b"", "no header"),
        ("table.csv", b"\n1,2\n", "no header"),
        ("table.csv", b"id,id\n1,2\n", "columns 1 and 2 have the same name"),
        ("table.csv", b"id,text\n1,\xfc\n", "line 2: not UTF-8"),
        ("table.csv.gz", b"id,text\n1,a\n", "truncated or damaged"),
        ("table.xlsx", b"PK", "valid: .csv, .csv.gz"),
    ],
)
def test_a_file_that_cannot_be_read_stops_with_what_to_do(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(Stop, match=says) as stopped:
        rows_of(write(tmp_path, content, name))
    assert name in str(stopped.value)


def test_a_truncated_compressed_file_stops_and_says_after_which_line(tmp_path: Path) -> None:
    lines = "".join(f"{number},text {number}\n" for number in range(20_000))
    whole = gzip.compress(b"id,text\n" + lines.encode())
    with pytest.raises(Stop, match=r"truncated or damaged after line \d+"):
        rows_of(write(tmp_path, whole[: len(whole) // 2], "table.csv.gz"))


def test_a_missing_file_stops(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="cannot be opened"):
        rows_of(tmp_path / "absent.csv")


def test_a_semicolon_file_says_which_setting_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path, b"id;text\n1;a\n")
    with pytest.raises(ConfigurationError, match='separated by semicolons, expected commas; set delimiter = ";"'):
        rows_of(path)
    assert rows_of(path, ";") == [Row(2, ["1", "a"])]


def test_a_quotation_mark_that_is_never_closed_stops_the_reading_instead_of_swallowing_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text('id,text\n1,fine\n2,"open\n' + "".join(f"{n},fine\n" for n in range(3, 1000)))
    with Table(file) as table, pytest.raises(Stop, match=r"line 3: a quotation mark .* takes lines 3 to 1000"):
        list(table.rows())


def test_a_row_of_several_lines_with_too_few_fields_says_where_it_began(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text('id,text\n"1,fine\n2,fine\n3,"\n4,fine\n')
    with Table(file) as table:
        first, last = table.rows()
    assert isinstance(first, RowProblem)
    assert first.reason == ("1 fields, the header has 2 (in 3 lines, from line 2 on: is a quotation mark missing?)")
    assert isinstance(last, Row)
