"""Tables as people send them."""

from __future__ import annotations

import io
import zipfile

import pytest

from shared.errors import Invalid, TooLarge
from shared.sheets import read_lines, write_csv
from tests.service.routing.staffed import workbook


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_text_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    [line] = read_lines("类型,处理人\n\n处理人,陈志远\n".encode(encoding))

    assert (line.number, line.cells) == (3, {"类型": "处理人", "处理人": "陈志远"})


def test_a_workbook_is_read_sheet_by_sheet() -> None:
    [line] = read_lines(workbook(["处理人", "班组"], ["amy", "billing"], sheet="处理人"))

    assert (line.sheet, line.number, line.cells) == (
        "处理人",
        2,
        {"处理人": "amy", "班组": "billing"},
    )


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1", "@SUM(A1)", "＝1"])
def test_a_written_cell_is_no_formula_and_is_read_as_it_was(cell: str) -> None:
    text = write_csv(["name"], [[cell]])

    assert text.splitlines()[1].startswith("'")
    assert read_lines(text.encode())[0].cells == {"name": cell}


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe\x00\x00",
        b"PK\x03\x04 and nothing",
        b"a,a\n1,2\n",
        b'a,"b\n',
        b"a\n1,2\n",
    ],
)
def test_a_file_that_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        read_lines(raw)


def test_a_workbook_that_unpacks_without_end_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for at in range(6):
            archive.writestr(f"{at}.xml", bytes(10 * 1024 * 1024))

    with pytest.raises(TooLarge):
        read_lines(out.getvalue())
