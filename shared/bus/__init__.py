"""The log between the services: a small port (`port.py`), two engines, and the loop that consumes."""
