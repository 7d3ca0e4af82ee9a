"""What each command is sent with and what it adds: a file a step of the work, a row each in `policy/lifecycle`.

To add one: an `Order` with its fields, a function that gives the facts, a row in the table.
"""
