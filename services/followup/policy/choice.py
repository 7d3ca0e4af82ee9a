"""What a customer means who answers a proposal by message: "1" is yes, "2" is no, as the letter asks."""

import re
import unicodedata
from typing import Final

_FILLING: Final = re.compile(r"[\W_]+")
YES: Final = frozenset({"1", "回复1", "选1", "同意", "接受", "可以", "yes", "accept", "agree"})
NO: Final = frozenset({"2", "回复2", "选2", "不同意", "不接受", "拒绝", "no", "refuse", "disagree"})


def choice(text: str) -> bool | None:
    """Whether the text as a whole says yes or no; None for all that says more, which a person reads."""
    said = _FILLING.sub("", unicodedata.normalize("NFKC", text)).casefold()
    if said in YES:
        return True
    return False if said in NO else None
