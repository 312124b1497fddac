"""Compares answers with what they should have been, tuned beside base. Pure: no model and no backend."""
