"""Tables that people send as files: CSV in the encodings spreadsheets write, and XLSX. Cells come as text."""

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, XmlError, ZipError

from shared.errors import FieldError, Invalid, TooLarge

FILE_CAP: Final = 10 * 1024 * 1024
UNPACKED_CAP: Final = 50 * 1024 * 1024
MOST_ENTRIES: Final = 1_000
MOST_LINES: Final = 20_000
STREAM_CAP: Final = 256 * 1024 * 1024
"""What a workbook that is read row by row may unpack to."""
MOST_RATIO: Final = 200
"""How much smaller than its content an archive may be; text compresses to a tenth, a bomb to a thousandth."""
MOST_CELLS: Final = 1_000
_CHUNK: Final = 1024 * 1024
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""A spreadsheet takes a cell that begins with one of these for a formula."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: its number in its file (the first is 1), and its cells by heading."""

    sheet: str
    number: int
    cells: dict[str, str]


def read_lines(raw: bytes) -> list[Line]:
    """The lines below the headings of a CSV or XLSX file, without empty ones. Raises Invalid or TooLarge."""
    sheets = _read_xlsx(raw) if raw[:4] == b"PK\x03\x04" else [("", _read_csv(raw))]
    found = [line for name, rows in sheets for line in _lines(name, rows)]
    if len(found) > MOST_LINES:
        raise TooLarge(
            f"The file has over {MOST_LINES} lines: divide it.",
            zh=f"文件超过{MOST_LINES}行，请拆分。",
        )
    return found


def stream_rows(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV or of an XLSX file's first sheet, one by one, empty ones left out; the first row is 1.

    Raises Invalid or TooLarge, for a broken CSV only when it comes to that row.
    """
    rows = _stream_xlsx(raw) if raw[:4] == b"PK\x03\x04" else _stream_csv(raw)
    for number, row in rows:
        cells = [_plain(cell) for cell in row]
        if len(cells) > MOST_CELLS:
            raise TooLarge(f"Row {number} has too many cells.", zh=f"第{number}行单元格过多。")
        if any(cells):
            yield number, cells


def encoding_of(raw: bytes) -> str:
    """The encoding of a text: UTF-8 with or without mark, or GB18030. Raises Invalid."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            parts = (decoder.decode(raw[at : at + _CHUNK]) for at in range(0, len(raw), _CHUNK))
            has_nul = any("\x00" in part for part in parts)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        if not has_nul:
            return encoding
    raise _no_text()


def _stream_csv(raw: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    text = io.TextIOWrapper(io.BytesIO(raw), encoding=encoding_of(raw), newline="")
    reader = csv.reader(text, strict=True)
    try:
        yield from enumerate(reader, start=1)
    except csv.Error as error:
        raise _wrong(reader.line_num, "", f"is no CSV: {error}", "不是合法的 CSV") from error


def _stream_xlsx(raw: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    _check_archive(raw, cap=STREAM_CAP)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        for at, row in enumerate(book.get_sheet_by_index(0).iter_rows(), start=1):
            yield at, [_cell(one) for one in row]
    except (CalamineError, PasswordError, XmlError, ZipError, ValueError, OSError) as error:
        raise _no_workbook() from error


def write_csv(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A CSV text that spreadsheets open as UTF-8, and take no cell of for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows([[_defused(cell) for cell in row] for row in rows])
    return "\ufeff" + out.getvalue()


def _defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def _lines(name: str, rows: Sequence[tuple[int, Sequence[str]]]) -> Iterator[Line]:
    if not rows:
        return
    number, first = rows[0]
    headings = [cell.strip() for cell in first]
    named = [one for one in headings if one]
    twice = sorted({one for one in named if named.count(one) > 1})
    if twice:
        raise _wrong(number, twice[0], "stands twice in the headings", "表头重复")
    for number, row in rows[1:]:
        cells = [_plain(cell) for cell in row]
        if len(cells) > len(headings) and any(cells[len(headings) :]):
            raise _wrong(number, "", "has more cells than there are headings", "单元格多于表头")
        found = {head: cell for head, cell in zip(headings, cells, strict=False) if head and cell}
        if found:
            yield Line(name, number, found)


def _wrong(number: int, field: str, message: str, zh: str) -> Invalid:
    place = f"line {number}" + (f".{field}" if field else "")
    return Invalid(
        f"Line {number} {field} {message}.", zh=f"第{number}行 {field}：{zh}。",
        errors=[FieldError(place, "table", message, zh)],
    )  # fmt: skip


def _read_csv(raw: bytes) -> list[tuple[int, Sequence[str]]]:
    reader = csv.reader(io.StringIO(_text(raw), newline=""), strict=True)
    found: list[tuple[int, Sequence[str]]] = []
    try:
        for row in reader:
            found.append((reader.line_num, row))
            if len(found) > MOST_LINES + 1:
                break
    except csv.Error as error:
        raise _wrong(reader.line_num, "", f"is no CSV: {error}", "不是合法的 CSV") from error
    return found


def _text(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise _no_text()


def _no_text() -> Invalid:
    return Invalid(
        "The file is neither CSV in UTF-8 or GB18030 nor XLSX: save it as one of these.",
        zh="文件既不是 UTF-8 或 GB18030 编码的 CSV，也不是 XLSX。",
    )


def _read_xlsx(raw: bytes) -> list[tuple[str, list[tuple[int, Sequence[str]]]]]:
    _check_archive(raw)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        return [(name, _rows(book, name)) for name in book.sheet_names]
    except (CalamineError, PasswordError, XmlError, ZipError, ValueError, OSError) as error:
        raise _no_workbook() from error


def _rows(book: CalamineWorkbook, name: str) -> list[tuple[int, Sequence[str]]]:
    sheet = book.get_sheet_by_name(name)
    if sheet.total_height > MOST_LINES * 2 or sheet.total_width > MOST_ENTRIES:
        raise TooLarge(f"The sheet {name!r} is too large.", zh=f"工作表“{name}”过大。")
    rows = sheet.to_python(skip_empty_area=False)
    return [(at, [_cell(one) for one in row]) for at, row in enumerate(rows, start=1) if any(row)]


def _cell(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return f"{value.seconds // 3600:02d}:{value.seconds // 60 % 60:02d}"
        case _:
            return str(value)


def _check_archive(raw: bytes, *, cap: int = UNPACKED_CAP) -> None:
    """Unpack to nowhere, counting: declared sizes may lie. Macros, links elsewhere and XML entities are refused."""
    cap = min(cap, max(UNPACKED_CAP // 50, len(raw) * MOST_RATIO))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES or sum(one.file_size for one in entries) > cap:
                raise _too_large()
            left = cap
            for one in entries:
                if one.filename.endswith("vbaProject.bin") or "externalLinks/" in one.filename:
                    raise _no_workbook()
                with archive.open(one) as stream:
                    while chunk := stream.read(_CHUNK):
                        if b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk:
                            raise _no_workbook()
                        left -= len(chunk)
                        if left < 0:
                            raise _too_large()
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        OSError,
        zlib.error,
    ) as error:
        raise _no_workbook() from error


def _too_large() -> TooLarge:
    return TooLarge(
        f"The workbook unpacks to more than {UNPACKED_CAP} bytes.",
        zh=f"工作簿解压后超过 {UNPACKED_CAP} 字节。",
    )


def _no_workbook() -> Invalid:
    return Invalid(
        "The file is no XLSX workbook that can be read: save it anew, without a password.",
        zh="无法读取该 XLSX 工作簿，请重新保存（不要加密）。",
    )
