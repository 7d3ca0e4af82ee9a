"""The topics of Redress, and which service owns each: only the owner publishes there."""

from collections.abc import Mapping
from datetime import timedelta

from shared.bus.port import Topic

KEEP = timedelta(days=90)

COMPLAINTS = Topic("redress.complaints", retention=KEEP)
ASSIGNMENTS = Topic("redress.assignments", retention=KEEP)
CASES = Topic("redress.cases", retention=KEEP)
NOTIFICATIONS = Topic("redress.notifications", retention=KEEP)
WARNINGS = Topic("redress.warnings", retention=KEEP)
POLICY = Topic("redress.policy", partitions=1, compacted=True)
"""Whole states, read from the beginning by every process: the last state of each key stays for ever."""

OWNERS: Mapping[Topic, str] = {
    COMPLAINTS: "intake",
    ASSIGNMENTS: "routing",
    CASES: "followup",
    NOTIFICATIONS: "notify",
    WARNINGS: "insight",
    POLICY: "desk",
}
