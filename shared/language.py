"""In which language a text is written, by its script."""

import re
from typing import Final

from shared.contracts.values import Language

_SAMPLE: Final = 300
"""Characters looked at to tell a language."""
_HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN: Final = re.compile("[A-Za-z]+")
_OTHER: Final = re.compile("[\u00c0-\u024f\u0370-\u1fff\u3040-\u30ff\uac00-\ud7af]")
"""Accented and other alphabets, kana, hangul."""


def detect_language(text: str) -> Language:
    """By script: Chinese when Han characters outweigh Latin words; kana, hangul or other alphabets make it `other`."""
    sample = text[:_SAMPLE]
    words = len(_LATIN.findall(sample))
    if sample.isascii():
        return "en" if words else "other"
    han = len(_HAN.findall(sample))
    others = len(_OTHER.findall(sample))
    if others > han and others > words:
        return "other"
    if han and others * 4 > han:
        return "other"  # Japanese: kana among Han
    if han >= words and han:
        return "zh"
    return "en" if words else "other"
