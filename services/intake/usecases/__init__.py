"""What intake does. What is random or slow is prepared outside the transaction that decides."""
