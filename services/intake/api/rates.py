"""How much one credential may bring: what is over it is asked to wait, so that the others are served."""

import math

from services.intake.policy.rate import Buckets
from shared.clock import Clock
from shared.errors import TooMany
from shared.web.credentials import Principal


class Rates:
    """Counts what each credential brings to this process."""

    def __init__(self, clock: Clock, *, per_second: float, burst: float) -> None:
        self._clock = clock
        self._buckets = Buckets(per_second=per_second, burst=burst)

    def must_allow(self, principal: Principal, cost: int = 1) -> None:
        """Count what a credential brings. Raises TooMany that says when it may come again; nothing is stored then."""
        wait = self._buckets.take(principal.id, cost, self._clock.now())
        if wait > 0:
            raise too_often(wait)


def too_often(wait: float) -> TooMany:
    """Asked to wait so many seconds."""
    seconds = max(1, math.ceil(wait))
    return TooMany(
        f"Too many requests with this credential: send it again in {seconds} s, with the same Idempotency-Key. "
        "The others are served meanwhile.",
        zh=f"该凭证的请求过于频繁：请在 {seconds} 秒后使用相同的 Idempotency-Key 重试。",
        retry_after=seconds,
    )
