"""What an installation without extras can do. Run by the session `package` in an empty environment."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import tunekit as tk

assert find_spec("torch") is None, "this is for an environment without the extras"

rows = tk.Dataset.read(
    [{"input_text": f"question {n}", "output_text": "yes" if n % 2 else "no"} for n in range(20)],
    row=tk.PromptCompletion,
)
assert rows.check().ok
print(rows.check())

tuner = tk.SupervisedTuner(base_model="tunekit/nano", epochs=1)
job = tk.Client(tk.MemoryBackend()).tune(tuner, rows)
assert job.result().id == "memory:1/model"
print(job)

try:
    tk.Client().tune(tuner, rows)
except tk.MissingExtra as error:
    assert error.extra == "local"
    assert "pip install 'tunekit[local]'" in str(error)
    print(f"{type(error).__name__}: {error}")
else:
    sys.exit("training without the extra was to be refused")
