"""The byte-level BPE tokenizer of nano, trained on the same generated text as the model."""

from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from .corpus import conversations

PAD, START, STOP = "<|pad|>", "<|im_start|>", "<|im_end|>"
_TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def train_tokenizer(
    *, vocabulary_size: int, num_conversations: int, seed: int, context: int
) -> PreTrainedTokenizerFast:
    """Learn the merges from a sample of the corpus.

    Args:
        vocabulary_size: Tokens in all, the three special ones included.
        num_conversations: Size of the sample.
        seed: Seed of the sample.
        context: Longest input of the model, in tokens.
    """
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[PAD, START, STOP],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    sample = islice(conversations(seed), num_conversations)
    core.train_from_iterator((turn["content"] for turns in sample for turn in turns), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=STOP,
        pad_token=PAD,
        additional_special_tokens=[START],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = _TEMPLATE.read_text(encoding="utf-8")
    return tokenizer
