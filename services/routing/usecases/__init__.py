"""What routing does: load, decide, record, say."""

from services.routing.usecases.context import Routing
from services.routing.usecases.correct import correct
from services.routing.usecases.queue import look_again, take_turn
from services.routing.usecases.reassign import (
    end_of_shift,
    escalate,
    give_back,
    hand_over,
    hear_refusal,
    pass_on,
)
from services.routing.usecases.route import reassign, release, route
from services.routing.usecases.staff import change_of_duty, set_presence

__all__ = [
    "Routing",
    "change_of_duty",
    "correct",
    "end_of_shift",
    "escalate",
    "give_back",
    "hand_over",
    "hear_refusal",
    "look_again",
    "pass_on",
    "reassign",
    "release",
    "route",
    "set_presence",
    "take_turn",
]
