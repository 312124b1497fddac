"""Rows: what they are, how files spell them, how they are read, checked, split and written."""
