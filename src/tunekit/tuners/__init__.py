"""The ways of tuning: one file per way, each a frozen value that says what to tune and how."""
