"""Which messages follow from what happens: pure, and one place for each audience."""
