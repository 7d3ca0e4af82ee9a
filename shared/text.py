"""Text from outside that every database and every reader can hold."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _clean(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("control_character", "holds a NUL character: remove it")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise PydanticCustomError(
            "surrogate", "holds a lone surrogate: send valid Unicode"
        ) from None
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "is blank: say something")
    return text


CleanText = Annotated[str, AfterValidator(_clean)]
"""Text that every database and every reader can hold: no NUL, no lone surrogates."""
FilledText = Annotated[str, AfterValidator(_clean), AfterValidator(_filled)]
"""Clean text with something in it."""
