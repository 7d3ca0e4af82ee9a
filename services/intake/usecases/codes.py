"""Sending a lost code again: to the contact that the vault knows, and without telling whether there is one."""

from services.intake import store
from shared.contracts.intake import ComplaintCodeRequested
from shared.ids import new_id
from shared.store.transaction import Tx
from shared.web.idempotency import claim


async def request_code(tx: Tx, number: str, contact: str) -> None:
    """Have the code of a complaint sent again if `contact` (a blind index) is its complainant's, once an hour."""
    row = await store.whose_code(tx, number, contact)
    if row is None:
        return
    hour = f"{tx.now:%Y-%m-%dT%H}"
    before = await claim(
        tx, scope=f"code/{row.id}", key=hour, fingerprint="", reference=new_id(), now=tx.now
    )
    if before is None:
        said = ComplaintCodeRequested(
            number=number,
            complainant_id=row.complainant_id,
            language=row.language,
            pack=row.pack,
            pack_version=row.pack_version,
            requested_at=tx.now,
        )
        tx.say(said, subject=row.id, unit=row.unit)
