"""Real training on this machine: a job is a folder, and a child process works on it.

`backend.py` is what the client talks to, `folder.py` what a job looks like on disk, `worker.py` the child process; one
file per way of tuning (`supervised.py`) says how it trains.
"""
