"""The topics as `redress migrate` creates them. Which service writes which: `shared/contracts/catalogue.py`."""

from datetime import timedelta
from typing import Final

from shared.bus.port import Topic
from shared.contracts.catalogue import TOPICS

KEPT_FOR: Final = {"redress.notifications": timedelta(days=90)}
"""All others are kept without limit, so that any projection can be rebuilt."""

ALL: Final = tuple(
    # Every process reads the policy whole: one partition, of which the last state of each key stays for ever.
    Topic(name, partitions=1, compacted=True)
    if service == "desk"
    else Topic(name, retention=KEPT_FOR.get(name))
    for service, name in TOPICS.items()
)
