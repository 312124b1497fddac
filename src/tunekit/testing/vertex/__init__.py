"""Vertex AI and Cloud Storage over HTTP on this machine: `emulator.py` has the door, `routes.py` what is answered."""
