"""Words that depend on who reads them: times, phrases, and which language at all."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime

from services.notify.model import Contact, Wishes, Word

# Parsed once: by name, babel looks through all the locales that it has.
_CHINESE, _ENGLISH = Locale.parse("zh_CN"), Locale.parse("en_GB")


def in_words(word: Word, *, language: str, zone: str) -> str:
    """A variable as the reader gets it."""
    if isinstance(word, str):
        return word
    if "at" in word:
        return time_in_words(datetime.fromisoformat(word["at"]), language=language, zone=zone)
    return word.get(language) or word.get("en") or ""


def time_in_words(at: datetime, *, language: str, zone: str) -> str:
    """A time as people of that language write it, in that zone."""
    local = at.astimezone(ZoneInfo(zone))
    if language == "zh":
        return format_datetime(local, "y年M月d日 HH:mm", locale=_CHINESE)
    return format_datetime(local, "d MMMM y, HH:mm", locale=_ENGLISH)


def language_for(written: str, contact: Contact, wishes: Wishes) -> str:
    """The language to write in: what they asked us for, what the vault knows, else that of the complaint.

    English for any that we do not write.
    """
    said = wishes.language or contact.language or written
    return "zh" if said.lower().startswith("zh") else "en"
