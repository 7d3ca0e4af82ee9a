"""What the desk decides, purely."""
