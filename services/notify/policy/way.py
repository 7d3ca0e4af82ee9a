"""By which channel a message goes."""

from collections.abc import Collection

from services.notify.model import Contact


def choose_way(contact: Contact, channels: Collection[str]) -> tuple[str, str] | None:
    """Channel and address: the one the person prefers, else the first we can use; None when there is none."""
    order = [contact.preferred] if contact.preferred else []
    order += [type_ for type_ in contact.addresses if type_ not in order]
    for type_ in order:
        if type_ in channels and contact.addresses.get(type_):
            return type_, contact.addresses[type_][0]
    return None
