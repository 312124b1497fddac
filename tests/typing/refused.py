"""What must not type-check. Read by mypy and pyright in the session `types`; never run.

Each line carries `type: ignore`, and both checkers are told to complain about one that is not needed: a mistake that
begins to pass turns the session red.
"""

from __future__ import annotations

import tunekit as tk

client = tk.Client()
tuner = tk.SupervisedTuner(base_model="tunekit/nano")
prompts = tk.Dataset.read("a.jsonl", row=tk.Prompt)
preferences = tk.Dataset.read("b.jsonl", row=tk.Preference)
pairs = tk.Dataset.read("c.jsonl", row=tk.PromptCompletion)
captioned = tk.Dataset.read("pictures", row=tk.CaptionedImage)
references = tk.Dataset.read("mugs", row=tk.ReferenceImage)


def wrong_rows() -> None:
    """Rows that the tuner does not take."""
    client.tune(tuner, preferences)  # type: ignore[misc]
    client.tune(tuner, prompts)  # type: ignore[misc]
    client.plan(tuner, preferences)  # type: ignore[misc]
    client.check(tuner, prompts)  # type: ignore[misc]
    client.tune(tuner, pairs, validation=preferences)  # type: ignore[misc]
    client.tune(tuner, "c.jsonl")  # type: ignore[misc]


def wrong_rows_for_the_others() -> None:
    """Each tuner refuses what another one takes."""
    client.tune(tk.PreferenceTuner(base_model="m"), pairs)  # type: ignore[misc]
    client.tune(tk.PreferenceTuner(base_model="m"), prompts)  # type: ignore[misc]
    client.tune(tk.RLHFTuner(base_model="m"), preferences)  # type: ignore[misc]
    client.tune(tk.RLHFTuner(base_model="m"), pairs)  # type: ignore[misc]
    reward = tk.ExactMatch(expected="4")
    client.tune(tk.ReinforcementTuner(base_model="m", reward=reward), pairs)  # type: ignore[misc]
    client.tune(tk.ReinforcementTuner(base_model="m", reward=reward), preferences)  # type: ignore[misc]
    client.tune(tk.Distiller(base_model="m", teacher="n"), preferences)  # type: ignore[misc]
    client.tune(tk.ImagenStyleTuner(base_model="m"), pairs)  # type: ignore[misc]
    client.tune(tk.ImagenStyleTuner(base_model="m"), references)  # type: ignore[misc]
    client.tune(tk.ImagenSubjectTuner(base_model="m"), references)  # type: ignore[misc]
    tk.SubjectImages(images=captioned, subject="sks", subject_class="mug")  # type: ignore[arg-type]
    tk.PreferenceData(preferences=pairs, prompts=prompts)  # type: ignore[arg-type]
    tk.PreferenceData(preferences=preferences, prompts=preferences)  # type: ignore[arg-type]


def wrong_data_for_an_embedding_model() -> None:
    """Rows that are no retrieval data, and parts in the wrong place."""
    tuner = tk.EmbeddingTuner(base_model="m")
    client.tune(tuner, pairs)  # type: ignore[misc]
    client.tune(tuner, "folder")  # type: ignore[misc]
    tk.RetrievalData("corpus.jsonl", queries="queries.jsonl")  # type: ignore[call-arg]
    tk.RetrievalData(corpus=pairs, queries="queries.jsonl")  # type: ignore[arg-type]
    tk.EmbeddingTuner(base_model="m", task_type="SEARCH")  # type: ignore[arg-type]


def wrong_settings() -> None:
    """Settings that the tuner does not have, or not with such a value."""
    tk.SupervisedTuner("tunekit/nano")  # type: ignore[call-arg]
    tk.SupervisedTuner(base_model="m", kl_coeff=0.1)  # type: ignore[call-arg]
    tk.SupervisedTuner(base_model="m", learning_rate=1e-4)  # type: ignore[arg-type]
    tk.SupervisedTuner(base_model="m", task="translation")  # type: ignore[arg-type]
    tk.PreferenceTuner(base_model="m", task="chat")  # type: ignore[call-arg]
    tk.RLHFTuner(base_model="m", algorithm="ppo")  # type: ignore[arg-type]
    tk.ReinforcementTuner(base_model="m")  # type: ignore[call-arg]
    tk.ReinforcementTuner(base_model="m", reward="exact")  # type: ignore[arg-type]
    tk.Distiller(base_model="m")  # type: ignore[call-arg]
    tk.VertexOptions(exported_checkpoints="first")  # type: ignore[arg-type]
    tk.VertexOptions(tuning_mode="full")  # type: ignore[call-arg]
    client.tune(tuner, pairs, budget="much")  # type: ignore[arg-type]
    tk.ImagenStyleTuner(base_model="m", subject="sks")  # type: ignore[call-arg]
    tk.ImagenSubjectTuner(base_model="m", prior="maybe")  # type: ignore[arg-type]


def wrong_names() -> None:
    """Names that are not there."""
    tk.SupervizedTuner  # type: ignore[attr-defined]  # noqa: B018
    client.tune_supervised(tuner, pairs)  # type: ignore[attr-defined]


def wrong_use_of_an_image_model(model: tk.ImageModel) -> None:
    """Questions that an image model does not take."""
    model.predict("a boat")  # type: ignore[attr-defined]
    model.evaluate(pairs)  # type: ignore[arg-type]


def wrong_check_on_machines() -> None:
    """Rows from memory are on no other machine, and settings have names."""
    tk.check_on_beam([{"prompt": "a"}])  # type: ignore[list-item]
    tk.check_on_beam("a.jsonl", tk.PromptCompletion)  # type: ignore[arg-type, call-arg]
    tk.beam_check("a.jsonl", row=str)  # type: ignore[arg-type]


def wrong_use_of_a_model(model: tk.TextModel) -> None:
    """Questions that a text model does not take."""
    model.evaluate("a.jsonl")  # type: ignore[arg-type]
    model.predict(3)  # type: ignore[arg-type]
    model.predict("a", tokens=3)  # type: ignore[call-arg]
