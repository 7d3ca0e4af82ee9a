"""The small words every part of a pack is made of: codes, terms, texts in two languages."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.worktime.terms import parse_term

Kind = Literal["complaint", "grumble", "inquiry", "suggestion", "praise"]
Severity = Literal["low", "normal", "high", "critical"]
Urgency = Literal["immediate", "same_day", "standard", "batch"]
Language = Literal["zh", "en"]
Verdict = Literal["upheld", "partly_upheld", "not_upheld"]

KINDS: tuple[Kind, ...] = ("complaint", "suggestion", "grumble", "inquiry", "praise")
"""Strongest first: a mixed text is the first of these it shows."""
SEVERITIES: tuple[Severity, ...] = ("low", "normal", "high", "critical")
"""Mildest first."""


def _checked_term(text: str) -> str:
    parse_term(text)
    return text


Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
TermText = Annotated[str, AfterValidator(_checked_term)]
Version = Annotated[str, Field(max_length=20, pattern=r"^\d+(\.\d+)*$")]


class Part(BaseModel):
    """Base of every part of a pack."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Text(Part):
    """The same words for people in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def say(self, language: str) -> str:
        """The words in `language`; English for anything that is not Chinese."""
        return self.zh if language.startswith("zh") else self.en


class Words(Part):
    """Words that count as evidence, per language.

    English ones match on word boundaries in any case.
    """

    zh: tuple[str, ...] = ()
    en: tuple[str, ...] = ()


class Head(Part):
    """What the pack is: `id@version`, from when, and what it builds on (`generic` or
    `generic@1.0`). `regimes`: the regulators' rules that the company is under; clocks of those run.
    """

    id: Code
    version: Version
    name: Text
    inherits: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(@\d+(\.\d+)*)?$"
    )
    in_force_from: date
    locales: tuple[Language, ...] = ("zh", "en")
    regimes: tuple[Code, ...] = ()

    @property
    def ref(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"
