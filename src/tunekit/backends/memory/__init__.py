"""A backend that only pretends, for tests: `backend.py` has the verbs, `script.py` what a job does."""
