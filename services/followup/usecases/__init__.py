"""What followup does: load, decide, record, say. Each is handed an open transaction."""
