"""Every word on the screens in both languages, and times as each language writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from shared.contracts.desk import PolicyAccount

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_FILE: Final = Path(__file__).parent / "words.yaml"
_LOCALES: Final[Mapping[Language, str]] = {"zh": "zh_CN", "en": "en_GB"}


@cache
def catalogue() -> Mapping[str, tuple[str, str]]:
    """All words by key: Chinese, English."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    return {key: (zh, en) for key, (zh, en) in read.items()}


@cache
def _locale(language: Language) -> Any:  # noqa: ANN401 - Babel's Locale, which is read only when a page is made
    """The language's ways, read once: by its name Babel would look for it anew at every time that is written."""
    from babel import Locale

    return Locale.parse(_LOCALES[language])


@dataclass(frozen=True, slots=True)
class Words:
    """One reader's language and zone."""

    language: Language
    zone: tzinfo

    def __call__(self, key: str, /, **values: object) -> str:
        """The words of a key, filled in."""
        text = catalogue()[key][LANGUAGES.index(self.language)]
        return text.format(**values) if values else text

    def named(self, group: str, name: str) -> str:
        """The words for a value that services may add to: what is not in the catalogue shows as it is."""
        found = self.said(group, name)
        return name.replace("_", " ") if found == name else found

    def said(self, group: str, text: str) -> str:
        """The words for a value where it is one that the catalogue knows; else the text itself."""
        found = catalogue().get(f"{group}.{text}")
        return text if found is None else found[LANGUAGES.index(self.language)]

    def account(self, id_: str | None, accounts: Mapping[str, PolicyAccount]) -> str:
        """Who it is, by the name that customers see; an actor's name may stand before the id."""
        if id_ is None:
            return self("case.nobody")
        kind, _, rest = id_.rpartition("/")
        if kind == "key":
            return self("case.by_key")
        found = accounts.get(rest)
        return found.display if found else self.named("by", rest)

    def of(self, text: Any) -> str:  # noqa: ANN401 - a pack's text or an API's {zh, en}
        """The reader's half of a text in both languages."""
        if isinstance(text, Mapping):
            return str(text.get(self.language) or text.get("zh") or text.get("en") or "")
        return str(getattr(text, self.language))

    def day(self, at: datetime | str) -> str:
        """A day as the reader writes it, in the zone of the settings."""
        from babel.dates import format_date

        local, locale = _time(at).astimezone(self.zone), _locale(self.language)
        return str(
            format_date(local, "M月d日" if self.language == "zh" else "d MMM", locale=locale)
        )

    def when(self, at: datetime | str) -> str:
        """A time as the reader writes it, in the zone of the settings."""
        from babel.dates import format_time

        local, locale = _time(at).astimezone(self.zone), _locale(self.language)
        return f"{self.day(at)} {format_time(local, 'HH:mm', locale=locale)}"

    def span(self, length: timedelta) -> str:
        """How long, in one unit."""
        from babel.dates import format_timedelta

        whole = max(abs(length), timedelta(minutes=1))
        return format_timedelta(
            whole, granularity="minute", threshold=1.6, locale=_locale(self.language)
        )

    def left(self, due_at: datetime | str, now: datetime) -> str:
        """How long until then, or how late it is."""
        left = _time(due_at) - now
        return self("time.left" if left > timedelta(0) else "time.late", span=self.span(left))

    def hours(self, opened: Mapping[str, Sequence[str]]) -> str:
        """When somebody is there, as calendars of packs write it (`mon-fri`: `09:00-18:00`)."""
        if list(opened.items()) == [("daily", ["00:00-24:00"])]:
            return self("portal.any_time")
        return self("list.semicolon").join(
            f"{self._days(days)} {self('list.comma').join(at.replace('-', '–') for at in times)}"
            for days, times in opened.items()
        )

    def _days(self, days: str) -> str:
        return self("day.to").join(self.said("day", one) for one in days.split("-"))

    def term(self, text: str) -> str:
        """A length as packs write it (`3wd`), in words."""
        amount = text.rstrip("abcdefghijklmnopqrstuvwxyz")
        key = f"term.{text.removeprefix(amount)}"
        return self(key, n=amount) if key in catalogue() else text

    def money(self, amount: str, currency: str) -> str:
        """An amount as the reader writes it."""
        from decimal import Decimal

        from babel.numbers import format_currency

        return format_currency(Decimal(amount), currency, locale=_locale(self.language))


def _time(at: datetime | str) -> datetime:
    return datetime.fromisoformat(at) if isinstance(at, str) else at
