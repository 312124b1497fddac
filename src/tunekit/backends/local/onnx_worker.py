"""The child that runs an exported model: `python -m tunekit.backends.local.onnx_worker FOLDER ASKED ANSWERED`.

It knows the model as a device would: by its folder alone. The prompt goes through the chat template and the tokenizer
in that folder, and the given answer is fed token by token, so that the key-value cache is used as it is when answering.

Belongs here: asking the runtime, and writing down what it says.
Does not belong here: comparing it with anything (`drift.py`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime_genai

og: Any = onnxruntime_genai  # it has no types


def main() -> None:
    """Answer the questions of one file into another."""
    folder, asked, answered = sys.argv[1:]
    model = og.Model(folder)
    tokenizer = og.Tokenizer(model)
    arrays: dict[str, Any] = {}
    for number, question in enumerate(json.loads(Path(asked).read_text())):
        prompt, expected = _prompt_ids(tokenizer, question), question["answer_ids"]
        arrays[f"prompt_{number}"] = prompt
        arrays[f"answer_{number}"] = _answer(model, prompt, most_tokens=len(expected))
        arrays[f"logits_{number}"] = _logits(model, prompt, expected)
    np.savez(answered, **arrays)


def _prompt_ids(tokenizer: Any, question: dict[str, Any]) -> npt.NDArray[np.int32]:
    if question["turns"] is None:
        ids = tokenizer.encode(question["text"])
    else:
        tokenizer.update_options(add_special_tokens="false")  # the template has written them
        turns = json.dumps(question["turns"])
        ids = tokenizer.encode(tokenizer.apply_chat_template(turns, add_generation_prompt=True))
    return np.asarray(ids, dtype=np.int32)


def _answer(
    model: Any, prompt: npt.NDArray[np.int32], *, most_tokens: int
) -> npt.NDArray[np.int32]:
    """What the model answers by itself, up to the token that ends it."""
    generator = _generator(model, prompt, most_tokens)
    answer: list[int] = []
    while not generator.is_done() and len(answer) < most_tokens:
        generator.generate_next_token()
        answer.append(int(generator.get_next_tokens()[0]))
    return np.asarray(answer, dtype=np.int32)


def _logits(
    model: Any, prompt: npt.NDArray[np.int32], answer: list[int]
) -> npt.NDArray[np.float32]:
    """What the model finds likely at every place of a given answer."""
    generator = _generator(model, prompt, len(answer))
    rows = [generator.get_logits()[0, -1]]
    for token in answer[:-1]:
        generator.append_tokens(np.asarray([[token]], dtype=np.int32))
        rows.append(generator.get_logits()[0, -1])
    return np.stack(rows).astype(np.float32)


def _generator(model: Any, prompt: npt.NDArray[np.int32], num_tokens: int) -> Any:
    """A run of the model that has read the prompt and has room for an answer."""
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(max_length=len(prompt) + num_tokens, do_sample=False)
    generator = og.Generator(model, parameters)
    generator.append_tokens(prompt[None, :])
    return generator


if __name__ == "__main__":
    main()
