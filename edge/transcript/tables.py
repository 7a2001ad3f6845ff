"""CSV (whisper.cpp) and TSV (openai-whisper): ``start, end, [speaker,] text``."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from edge.records import Segment

_HEADER = re.compile(r'^\s*"?start"?\s*([,;\t])\s*"?end"?\s*\1', re.I)


def table_delimiter(text: str) -> str | None:
    """The delimiter of a transcript table with a header line, else None."""
    match = _HEADER.match(text)
    return match[1] if match else None


def parse_table(text: str, delimiter: str, repairs: Counter[str]) -> list[Segment]:
    """Segments of a CSV or TSV transcript.

    Times are integer milliseconds, or seconds where any time has a decimal point.

    :param text: The whole file, header included.
    :param delimiter: As ``table_delimiter`` gives it.
    :param repairs: Counts rows whose times cannot be read, which keep their text.
    """
    csv.field_size_limit(2**31 - 1)
    # openai-whisper's TSV is unquoted: a stray quote there must not swallow lines.
    reader = csv.reader(
        io.StringIO(text.strip(), newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
    )
    header = [name.strip().strip('"').lower() for name in next(reader)]
    text_column = header.index("text") if "text" in header else len(header) - 1
    speaker_column = header.index("speaker") if "speaker" in header else None
    rows = [row for row in reader if any(cell.strip() for cell in row)]
    unit_s = 1.0 if any("." in cell for row in rows for cell in row[:2]) else 0.001
    segments = []
    for row in rows:
        if len(row) <= text_column:  # a row cut short keeps whatever it says
            repairs["short_rows"] += 1
            segments.append(Segment(delimiter.join(row)))
            continue
        start_s, end_s = (_number(cell, unit_s) for cell in row[:2])
        if start_s is None or end_s is None:
            repairs["unreadable_times"] += 1
        # An unquoted delimiter in the text splits it; the text is the last column.
        spoken = delimiter.join(row[text_column:])
        speaker = row[speaker_column].strip() if speaker_column is not None else None
        segments.append(Segment(spoken, start_s, end_s, speaker or None))
    return segments


def _number(cell: str, unit_s: float) -> float | None:
    try:
        return float(cell.strip()) * unit_s
    except ValueError:
        return None
