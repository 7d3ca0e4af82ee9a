"""Writing a message: its variables in the reader's language and zone, and the pack's template filled with them."""

from collections.abc import Mapping
from typing import NamedTuple

from jinja2 import TemplateError

from services.notify.model import Contact, Message, Wishes
from services.notify.policy.wording import in_words, language_for
from services.notify.usecases import Notify
from shared.packs.letters import Written, write_letter


class Values(NamedTuple):
    """What fills a template, and the language that it is in."""

    language: str
    words: Mapping[str, str]


def values_of(message: Message, contact: Contact, wishes: Wishes, notify: Notify) -> Values:
    """The variables of a message for this person."""
    language = language_for(message.language, contact, wishes)
    zone = wishes.zone or notify.settings.timezone
    words = {
        name: in_words(word, language=language, zone=zone)
        for name, word in message.variables.items()
    }
    unit = notify.policy.units.get(message.unit)
    org = (unit.title_zh if language == "zh" else unit.title_en) if unit else ""
    base = notify.settings.public_url
    link = (
        f"{base}/desk" if not message.number
        else f"{base}/desk/cases/{message.number}" if message.is_to_staff
        else f"{base}/portal/follow?number={message.number}"
    )  # fmt: skip
    known = {"org": org, "link": link, "number": message.number}
    if message.is_to_staff:
        known["handler"] = contact.name or ""
    else:
        known |= {"name": contact.name or "", "code": contact.code or ""}
    return Values(language, words | known)


class Unwritable(Exception):
    """A message cannot be written as it should read: the error names template and variable."""


def write(message: Message, values: Values, notify: Notify) -> Written:
    """The message as its template has it. Raises Unwritable where the pack lacks it, or a variable has no value."""
    pack = notify.policy.pack(message.pack, message.pack_version)
    try:
        template = pack.template(message.letter)
        known = {name: value for name, value in values.words.items() if name in template.variables}
        return write_letter(template, language=values.language, values=known)
    except KeyError as error:
        raise Unwritable(f"{pack.ref}: {error.args[0]}") from error
    except TemplateError as error:
        raise Unwritable(f"{pack.ref}: template {message.letter}: {error}") from error
