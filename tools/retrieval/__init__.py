"""Sample data for embedding tuning that no base model can know. `machine_notes.py` writes it."""
