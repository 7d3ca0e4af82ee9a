"""A message to try things with."""

from services.notify.model import Message

MESSAGE = Message(
    id="m", complaint="c", number="1234-5678-903", unit="root", cycle=1, purpose="progress", letter="progress",
    recipient="complainant", complainant_id="p", language="zh", pack="generic", pack_version="1.0", variables={},
    state="attempting", attempts=1, channel="sms",
)  # fmt: skip
