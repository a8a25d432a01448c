"""Rows for a terminal that is too narrow for their table: a block for each, a label before each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos_ext.report.clean import wrap
from chaos_ext.report.text import one_line, pad, table, width

_LAST = 20  # columns that the last one of a table keeps at least, or is as wide as it must be
_NAMED_BY = 2  # columns that name a row
_VALUE = 24  # columns below which a value stands under its label


def fitting(rows: Sequence[Sequence[object]], headers: Sequence[str], columns: int) -> str:
    """A table where one fits into `columns`, else a block a row; 0 columns: any width, so a table."""
    if not columns or _least(rows, headers) <= columns:
        return table(rows, headers, columns)
    return "\n\n".join("\n".join(_block(row, headers, columns)) for row in rows)


def _least(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> int:
    """The columns that a table takes when only its last column gives way."""
    widths = [max(width(one_line(row[index])) for row in (headers, *rows)) for index in range(len(headers))]
    return sum(widths[:-1]) + 2 * (len(widths) - 1) + min(widths[-1], _LAST)


def _block(row: Sequence[object], headers: Sequence[str], columns: int) -> Iterator[str]:
    """What names the row, then ``LABEL  value``, the values in a column of their own."""
    yield from wrap(" · ".join(map(one_line, row[:_NAMED_BY])), columns)
    labels = headers[_NAMED_BY:]
    indent = max(map(width, labels)) + 4
    for label, value in zip(labels, row[_NAMED_BY:], strict=True):
        words = " ".join(one_line(value).split())
        if not words:
            continue
        if columns - indent < _VALUE:
            yield from wrap(f"  {label}", columns)
            yield from (f"    {line}" for line in wrap(words, max(1, columns - 4)))
            continue
        for number, line in enumerate(wrap(words, columns - indent)):
            yield f"{pad('' if number else f'  {label}', indent)}{line}"
