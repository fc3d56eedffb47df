"""What stands in a letter: our own PDFs, whose text is in windows-1252 and whose streams are deflated."""

import re
import zlib

_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\) Tj", re.DOTALL)


def text(content: bytes) -> str:
    """Its words, a space for each end of a line."""
    pages = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    shown = [each for page in pages for each in _SHOWN.findall(_inflated(page))]
    return " ".join(re.sub(rb"\\(.)", rb"\1", each).decode("windows-1252") for each in shown)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)  # its last byte may look like the end of a line, and be cut off
    except zlib.error:  # metadata, which is plain
        return b""
