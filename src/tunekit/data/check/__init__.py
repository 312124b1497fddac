"""Checks rows: finds every fault of a dataset in one go, each with its place and the way out.

The way of a record: `syntax.py` (bytes to object), `records.py` (with its place), `survey.py` (which format, which
shape), `scan.py` (which faults), `report.py` (all of them). `rules.py` says what can be found.
"""
