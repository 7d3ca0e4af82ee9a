"""English names where the words around them tell: a title, a salutation, an introduction, a role, a signature.

Each run of capitalised words is looked at once, by what comes before it and what comes after.
"""

import re
from collections.abc import Iterator
from typing import Final

from shared.masking.given import EITHER, FIRMS, GIVEN, PLACES
from shared.masking.spans import Find

_WORD: Final = r"(?:O['’]|Mc|Mac)?[A-Z][a-z]+(?:['’-][A-Z][a-z]+)?"
_CAPITALS: Final = re.compile(rf"(?<![A-Za-z]){_WORD}(?: (?:[A-Z]\.? )?{_WORD}){{0,3}}")
_NOBODY: Final = frozenset(
    [
        "Sir",
        "Madam",
        "Team",
        "Customer",
        "Support",
        "Service",
        "Services",
        "All",
        "Manager",
        "There",
        "Everyone",
        "Sirs",
        "Complaints",
        "Department",
        "Head",
        "Office",
        "Friend",
        "Friends",
        "Hello",
        "Help",
        "Desk",
        "Colleague",
        "Colleagues",
        "Director",
        "Board",
        "Management",
        "Staff",
        "Care",
        "Regards",
        "Thanks",
        "Thank",
        "You",
        "Best",
        "Kind",
        "Yours",
        "Sent",
        "From",
        "The",
        "I",
        "We",
        "My",
        "Your",
        "Please",
        "It",
        "This",
        "That",
        "And",
        "But",
        "Or",
        "If",
        "No",
        "Not",
        "Yes",
        "Ok",
        "Okay",
        "Dear",
        "Hi",
        "Order",
        "Account",
        "Complaint",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "British",
        "American",
        "Chinese",
        "English",
        "French",
        "German",
        "Indian",
        "Irish",
        "Very",
        "Still",
        "Also",
        "Now",
        "Just",
        "Only",
        "What",
        "When",
        "Where",
        "Why",
        "How",
        "Who",
        "Is",
        "Are",
        "Was",
        "Can",
        "Could",
        "Would",
        "Should",
        "Refund",
        "Delivery",
    ]
)
_LEADING: Final = frozenset(
    [
        "Dear",
        "Hi",
        "Hello",
        "Hey",
        "Mr",
        "Mrs",
        "Ms",
        "Miss",
        "Mx",
        "Dr",
        "Prof",
        "Sir",
        "Professor",
        "Doctor",
        "Contact",
        "Call",
        "Ring",
        "Phone",
        "Email",
        "Reach",
        "Name",
        "Customer",
        "Agent",
        "Engineer",
        "Driver",
        "Manager",
        "Technician",
        "Courier",
        "Regards",
        "Sincerely",
        "Thanks",
        "Cheers",
        "Best",
        "Faithfully",
        "Truly",
        "Yours",
        "Attn",
    ]
)
"""Words that lead a name in and may stand in one run with it."""
# What announces a name, right before it.
_BEFORE: Final = re.compile(
    r"(?<![A-Za-z])(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Professor|Doctor)\.? "
    r"|(?:[Dd]ear|DEAR|Hi|Hello|Hey|Good (?:morning|afternoon|evening))[ ,]{1,2}"
    r"|(?:[Mm]y|[Hh]er|[Hh]is|[Tt]heir) (?:full |last |first )?name(?: is|['’]s|:) "
    r"|(?:[Nn]ame|[Cc]ontact(?: person)?|[Ss]igned(?: by)?|[Cc]ustomer|[Cc]omplainant|[Aa]ttn|FAO|[Cc]ardholder|"
    r"[Aa]ccount holder|[Pp]assenger|[Rr]ecipient|[Tt]enant|[Pp]atient)\s?[:,]\s?"
    r"|(?:named|called|name of|known as|[Ss]poke (?:to|with)|[Ss]peaking (?:to|with)|[Tt]alked (?:to|with)|[Aa]sked for|"
    r"[Ss]erved by|[Hh]elped by|[Hh]andled by|[Tt]old by|[Aa]dvised by|[Vv]isited by|[Ss]igned as|then with|[Oo]n behalf of|"
    r"[Cc]olleague|[Tt]echnician|[Dd]river|[Ee]ngineer|[Aa]gent|[Aa]dvisor|[Ww]aiter|[Ww]aitress|[Nn]eighbou?r|[Hh]usband|"
    r"[Ww]ife|[Ss]on|[Dd]aughter|[Mm]other|[Ff]ather|[Mm]um|[Dd]ad|[Ll]andlord|[Mm]anager|[Rr]epresentative|[Gg]uard|"
    r"[Cc]ourier|[Cc]lerk|[Nn]urse|[Pp]lumber|[Ee]lectrician|[Cc]ousin|[Bb]rother|[Ss]ister|[Ff]riend|[Gg]randmother|"
    r"[Gg]randfather|[Tt]eacher|[Pp]artner),? )\Z"
)
_INTRODUCING: Final = re.compile(r"(?<![A-Za-z])(?:I am|I['’]m|[Tt]his is|it['’]s|[Ii]t is) \Z")
_CALLING: Final = re.compile(
    r"(?<![A-Za-z])(?:[Cc]all|[Cc]ontact|[Rr]ing|[Pp]hone|[Ee]mail|[Rr]each) \Z"
)
_SENT: Final = re.compile(r"(?<![A-Za-z])[Ss]ent (?:from|by) \Z")
_CLOSING: Final = re.compile(
    r"(?:(?:[Rr]egards|[Ss]incerely|[Ff]aithfully|[Tt]ruly|[Tt]hanks(?: again)?|[Tt]hank you|[Cc]heers|[Rr]espectfully|"
    r"[Bb]est(?: wishes)?|[Yy]ours)\s?(?:,|[.!]?\n)\s{0,4}|(?:^|\n|[.!?] )[—–-]{1,2}\s?|\n)\Z"
)
_SPEAKS: Final = re.compile(r" (?:from|speaking|calling|again|here)\b")
_ACTS: Final = re.compile(
    r" (?:here|told me|promised|from your|in your|at your|answered|said|hung up|assured)\b"
)
_BACK: Final = re.compile(r" (?:on|at|back|under)\b")
_LINE_ENDS: Final = re.compile(r"\s{0,3}(?:\Z|\n|[,(\0])")
_SALUTED: Final = re.compile(r"(?:[Dd]ear|DEAR|Hi|Hello|Hey|morning|afternoon|evening)[ ,]{1,2}\Z")
_SALUTATION_ENDS: Final = re.compile(r" ?[,.!:;\n–—-]|\Z| here")
_BOTH: Final = (
    (_INTRODUCING, _SPEAKS),
    (_CALLING, _BACK),
    (_SENT, re.compile("['’]s ")),
    (re.compile(r"(?<![A-Za-z])I, \Z"), re.compile(",")),
)
"""What announces a name only together with what follows it."""
_FOLLOWING: Final = re.compile(r"(?:['’]s)? ([A-Z]\w+)")
_CUE: Final = 26
_TAIL: Final = 300


def english_names(text: str) -> Iterator[Find]:
    """Names, in order."""
    tail = len(text) - _TAIL
    for match in _CAPITALS.finditer(text):
        start = match.start()
        words = match[0].split(" ")
        # "Dear Mr Smith": the run begins before the name.
        while words and words[0].rstrip(".") in _LEADING:
            start += len(words.pop(0)) + 1
        kept = _name_of(words)
        if kept and _is_told(text, start, start + len(kept), is_tail=start >= tail):
            yield start, start + len(kept), "name"
        elif words:
            yield from _by_given_name(text, words, start)


def _by_given_name(text: str, words: list[str], start: int) -> Iterator[Find]:
    """A run of capitalised words from the first that people are called, unless it names a place or a firm."""
    at = start
    for number, word in enumerate(words):
        is_given = word in GIVEN or (word in EITHER and _is_within(text, at))
        if is_given:
            kept = _name_of(words[number:])
            if kept and not _is_place(text, at, kept):
                yield at, at + len(kept), "name"
            return
        at += len(word) + 1


def _is_within(text: str, start: int) -> bool:
    """Whether a sentence goes on here, so that a capital has another reason."""
    return text[start - 1 : start] == " " and text[start - 2 : start - 1].islower()


def _is_place(text: str, start: int, name: str) -> bool:
    """St John's Road, the Albert Hall, John Lewis."""
    end = start + len(name)
    following = _FOLLOWING.match(text, end)
    return (
        name in FIRMS
        or not PLACES.isdisjoint(name.split(" ")[1:])
        or (following is not None and following[1] in PLACES)
        or text[max(0, start - 4) : start].endswith(("St ", "St. ", "Saint "))
    )


def _name_of(words: list[str]) -> str:
    """The leading words that can be a name; none where the first is a word of another kind."""
    kept = 0
    for word in words:
        if word.rstrip(".") in _NOBODY:
            break
        kept += 1
    return " ".join(words[:kept])


def _is_told(text: str, start: int, end: int, *, is_tail: bool) -> bool:
    """Whether what is around a run of capitalised words says that it is a name."""
    before = text[max(0, start - _CUE) : start]
    if _BEFORE.search(before):
        return not _SALUTED.search(before) or bool(_SALUTATION_ENDS.match(text, end))
    is_full = " " in text[start:end]
    if is_full and (_INTRODUCING.search(before) or _ACTS.match(text, end)):
        return True
    for cue, following in _BOTH:
        if cue.search(before) and following.match(text, end):
            return True
    if is_full and before[-1:] in ("", "\n") and text[end : end + 1] == "\n":
        return True
    return is_tail and bool(_CLOSING.search(before) and _LINE_ENDS.match(text, end))
