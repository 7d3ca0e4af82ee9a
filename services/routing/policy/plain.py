"""A text made plain: full-width letters, quotes and capitals, every character staying in its position."""

import unicodedata


class _Folded(dict[int, str]):
    """The plain form of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKC", chr(code))
        self[code] = plain if len(plain) == 1 else chr(code)
        return self[code]


_FOLDED = _Folded({ord("\u2019"): "'", ord("\u2018"): "'"})


def normalised(text: str) -> str:
    """Full-width letters and curly quotes made plain, every character staying in its position."""
    return text if text.isascii() else text.translate(_FOLDED)


def lowered(text: str) -> str:
    """`text` in small letters, character for character."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(new if len(new := char.lower()) == 1 else char for char in text)
