"""Free text of staff goes into facts and events only after this."""

from shared.masking import mask


def redacted(text: str) -> str:
    """The text without formatted personal data (phone, e-mail, ID card, bank card, plate)."""
    return mask(text).text
