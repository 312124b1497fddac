"""What type-checks, and as what. Read by mypy and pyright in the session `types`; never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import tunekit as tk
from tunekit.jobs.handle import Job

client = tk.Client()
tuner = tk.SupervisedTuner(base_model="tunekit/nano", epochs=3)
pairs = tk.Dataset.read("a.jsonl", row=tk.PromptCompletion)
chats = tk.Dataset.read("b.jsonl", row=tk.Conversation)
anything = tk.Dataset.read("c.jsonl")

assert_type(pairs, tk.Dataset[tk.PromptCompletion])
assert_type(chats, tk.Dataset[tk.Conversation])
assert_type(anything, tk.Dataset[Any])
assert_type(next(iter(pairs)), tk.PromptCompletion)

train, test = pairs.split(0.2, seed=7)
assert_type(train, tk.Dataset[tk.PromptCompletion])
assert_type(pairs.check(), tk.Report)
assert_type(pairs.check().findings, tuple[tk.Finding, ...])

assert_type(client.check(tuner, pairs), tk.Report)
assert_type(client.plan(tuner, chats, validation=chats), tk.Plan)
assert_type(client.tune(tuner, pairs, validation=test, key="k"), Job[tk.TextModel])
assert_type(client.tune(tuner, anything), Job[tk.TextModel])
assert_type(client.tune(tuner, chats).result(), tk.TextModel)
assert_type(client.job("local:1"), Job[Any])
assert_type(client.jobs(), list[Job[Any]])
assert_type(client.model("local:1/model", tk.TextModel), tk.TextModel)
assert_type(client.models(), list[tk.TunedModel])

preferences = tk.Dataset.read("d.jsonl", row=tk.Preference)
prompts = tk.Dataset.read("e.jsonl", row=tk.Prompt)
liked = tk.PreferenceTuner(base_model="m", beta=0.2)
human = tk.RLHFTuner(base_model="m", kl_coeff=0.05)
earned = tk.ReinforcementTuner(base_model="m", reward=tk.ExactMatch(expected="4"))
taught = tk.Distiller(base_model="m", teacher="n")
both = tk.PreferenceData(preferences=preferences, prompts=prompts)

captioned = tk.Dataset.read("pictures", row=tk.CaptionedImage)
references = tk.Dataset.read("mugs", row=tk.ReferenceImage)
styled = tk.ImagenStyleTuner(base_model="tunekit/sketch", style="blueprint")
shown = tk.ImagenSubjectTuner(base_model="tunekit/sketch", prior="none")
mugs = tk.SubjectImages(images=references, subject="sks", subject_class="mug")

assert_type(client.tune(styled, captioned), Job[tk.ImageModel])
assert_type(client.tune(shown, mugs).result(), tk.ImageModel)
assert_type(client.model("local:1/model", tk.ImageModel), tk.ImageModel)
assert_type(client.tune(liked, preferences), Job[tk.TextModel])
assert_type(client.tune(human, both).result(), tk.RLHFModel)
assert_type(client.tune(human, both).result().reward_model.score("a", "b"), float)
assert_type(client.tune(earned, prompts), Job[tk.TextModel])
assert_type(client.tune(taught, prompts).result(), tk.DistilledModel)
assert_type(client.tune(taught, pairs).result(), tk.DistilledModel)
assert_type(earned.reward.try_on("2 + 2?", ["4", "5"]), tk.Tryout)

data = tk.RetrievalData(
    corpus="corpus.jsonl",
    queries=tk.Dataset.read("queries.jsonl", row=tk.Query),
    train_labels="train.tsv",
    test_labels=tk.Dataset.read("test.tsv", row=tk.RelevanceLabel),
)
found = tk.EmbeddingTuner(base_model="tunekit/minilm", task_type="RETRIEVAL_QUERY")
assert_type(data.check(), tk.Report)
assert_type(client.tune(found, data), Job[tk.EmbeddingModel])
assert_type(client.tune(found, data).result().search("a", top_k=3), list[tk.Match])
assert_type(client.tune(found, data).result().evaluate(data), tk.RetrievalEvaluation)

vertex = tk.VertexBackend(
    project="p",
    staging_bucket="gs://b",
    options=tk.VertexOptions(service_account="a@b", palm=tk.PalmOptions(max_context_length="8k")),
)
assert_type(tk.Client(vertex).tune(tuner, pairs, budget=20.0), Job[tk.TextModel])
assert_type(client.jobs(labels={"team": "a"}, state=tk.JobState.RUNNING), list[Job[Any]])
assert_type(vertex.dataset("gs://b/train.jsonl", tk.Prompt), tk.Dataset[Any])
reward = tk.AutoraterReward(prompt="Rate {{response}}.")
assert_type(reward.try_on("a", ["b"], on=vertex), tk.Tryout)

for backend in (tk.LocalBackend(), tk.MemoryBackend(), vertex):
    seam: tk.Backend = backend
    tk.Client(seam)


def check_on_machines() -> None:
    """Files that many machines check."""
    assert_type(tk.check_on_beam("a-*.jsonl", row=tk.PromptCompletion), tk.Report)
    assert_type(tk.check_on_beam(["a.jsonl", Path("b.jsonl")], flags=["--x=y"]), tk.Report)


def use(model: tk.TextModel) -> None:
    """What a model gives."""
    assert_type(model.predict("a", temperature=0.5), tk.Prediction)
    assert_type(model.predict([tk.Message(role="user", content="a")]).text, str)
    assert_type(model.deploy(tk.Machine(machine_type="g2-standard-8")), tk.Deployment)
    assert_type(model.remains(), tuple[str, ...])
    assert_type(model.predict_many(["a", "b"]), list[tk.Prediction])
    assert_type(model.evaluate(test), tk.Evaluation)
    assert_type(model.evaluate(preferences), tk.Evaluation)
    assert_type(model.evaluate(prompts, reward=tk.LengthReward(max_words=9)), tk.Evaluation)


def draw(model: tk.ImageModel) -> None:
    """What an image model gives."""
    assert_type(model.generate("a boat", num_images=2, seed=1), tk.DrawnImages)
    assert_type(model.evaluate(captioned, prompts=["a boat"]), tk.ImageEvaluation)
    assert_type(model.evaluate(mugs, embedder="clip"), tk.ImageEvaluation)
    assert_type(model.phrase, str)


async def wait(job: Job[tk.TextModel]) -> None:
    """The same handle in async code."""
    assert_type(await job, tk.TextModel)
    async for event in job.events(follow=True):
        assert_type(event, tk.Event)
    for metrics in job.metrics():
        assert_type(metrics, tk.Metrics)
