"""The whole story on one machine: plan, upload, tune for real, lose the client, pick the job up, ask, delete.

    python -m tools.vertex_story

The emulator speaks the wire of Vertex AI and trains with the local engine. Each step of the user
is a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from tunekit.testing import VertexEmulator

_COMMON = """
import os, sys, tunekit as tk
backend = tk.VertexBackend(
    project=os.environ["PROJECT"], location="us-central1", staging_bucket="gs://" + os.environ["BUCKET"],
    base_url=os.environ["URL"], storage_url=os.environ["URL"], root=os.environ["HOME_OF_" + sys.argv[1]])
client = tk.Client(backend, watch="silent")
rows = tk.Dataset.read(os.environ["ROWS"], row=tk.PromptCompletion)
train, test = rows.split(0.2, seed=1)
tuner = tk.SupervisedTuner(base_model="gemini-3.1-flash-lite", epochs=6)
"""
_TUNE = (
    _COMMON
    + """
plan = client.plan(tuner, train)
print(f"plan: {plan.cost.low:.4f} to {plan.cost.high:.4f} USD |", plan.writes[0], flush=True)
job = client.tune(tuner, train, key="story", display_name="triage", budget=1.0)
print("job:", job.id, job.state, flush=True)
job.wait()
"""
)
_PICK_UP = (
    _COMMON
    + """
job = client.job(sys.argv[2])
print("picked up on another machine:", job.state, flush=True)
model = job.result()
print("job:", job.state, flush=True)
row = test.head(1)[0]
print("answer:", model.predict(row.prompt).text, "| expected:", row.completion)
right = sum(model.predict(row.prompt).text.strip() == row.completion for row in test.head(20))
print(f"{right} of 20 held-out answers are right")
print("would go:", *model.remains(), sep="\\n  ")
model.delete()
print("models left:", client.models())
"""
)


def main() -> None:
    """Tell the story."""
    with tempfile.TemporaryDirectory() as folder, VertexEmulator(engine="local") as vertex:
        rows = Path(folder) / "tickets.jsonl"
        lines = (files("tunekit.quickstart") / "support_routing.jsonl").read_bytes().splitlines()
        rows.write_bytes(b"\n".join(lines[:150]) + b"\n")
        environment = os.environ | {
            "PROJECT": vertex.project,
            "BUCKET": vertex.bucket,
            "URL": vertex.url,
            "ROWS": str(rows),
            "HOME_OF_FIRST": f"{folder}/first",
            "HOME_OF_SECOND": f"{folder}/second",
        }
        first = subprocess.Popen(
            [sys.executable, "-c", _TUNE, "FIRST"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        job_id = ""
        for line in first.stdout or ():
            print(line, end="")
            if line.startswith("job:"):
                job_id = line.split()[1]
                break
        time.sleep(5)
        first.send_signal(signal.SIGKILL)
        print("kill -9 while it waits:", first.wait())
        subprocess.run(
            [sys.executable, "-c", _PICK_UP, "SECOND", job_id], env=environment, check=True
        )
        print("jobs on the server:", [job["state"] for job in vertex.tuning_jobs])


if __name__ == "__main__":
    main()
