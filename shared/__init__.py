"""What every service stands on: the log, the store, the contracts, packs, the web frame. It knows no service."""
