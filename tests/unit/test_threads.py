"""Only we can make the id of a thread."""

from __future__ import annotations

from shared.threads import Thread, message_id, return_address, threads_in

KEY = b"k" * 32
MESSAGE = "0198f3a2-7c1e-7d00-8a00-0123456789ab"
ID = message_id(KEY, message=MESSAGE, number="1234-5678-903", domain="example.com")


def test_an_id_of_ours_names_its_message_and_complaint_wherever_it_stands() -> None:
    text = f"<other@example.org>\r\n {ID.upper()} <x@y>"

    assert list(threads_in(KEY, text)) == [Thread(MESSAGE, "1234-5678-903")]


def test_an_id_that_was_changed_or_made_with_another_key_is_none_of_ours() -> None:
    changed = ID.replace("12345678903", "12345678904")
    other = message_id(b"o" * 32, message=MESSAGE, number="1234-5678-903", domain="example.com")

    assert list(threads_in(KEY, f"{changed} {other} {MESSAGE}.12345678903.@example.com")) == []


def test_a_return_address_names_its_message_within_what_an_address_may_be() -> None:
    sender = "complaints@example.com"
    address = return_address(KEY, message=MESSAGE, number="0234-5678-903", sender=sender)

    local, _, domain = address.rpartition("@")
    assert local.startswith("complaints+")
    assert (len(local) <= 64, domain) == (True, "example.com")
    text = f"To: {address.upper()}"
    assert list(threads_in(KEY, text)) == [Thread(MESSAGE, "0234-5678-903")]
    changed = address.replace(local[-1] + "@", ("a" if local[-1] != "a" else "b") + "@")
    assert list(threads_in(KEY, changed)) == list(threads_in(b"o" * 32, address)) == []


def test_a_sender_whose_name_leaves_no_room_for_a_tag_stays_as_it_is() -> None:
    sender = "customer-care-and-complaints@example.com"
    assert return_address(KEY, message=MESSAGE, number="1234-5678-903", sender=sender) == sender
