"""What every backend does whose jobs give embedding models, one function per behaviour.

Belongs here: public functions that take a `Stage`; all of them are part of the contract.
Does not belong here: behaviours of all models (`behaviours.py`), anything about one backend.
"""

from __future__ import annotations

from tunekit.errors import SettingInvalid
from tunekit.jobs.backend import Embeds
from tunekit.testing.raising import raises as _raises
from tunekit.testing.stage import Stage


def vectors_come_in_order(stage: Stage) -> None:
    """One per text, in 32 bits, as good as the same whether asked alone or together."""
    model, texts = stage.embedding, _texts(stage)
    together = model.embed(texts)
    assert together.shape[0] == len(texts)
    assert together.dtype.name == "float32"
    assert float(abs(model.embed(texts[-1:])[0] - together[-1]).max()) < 1e-5


def no_texts_give_no_vectors(stage: Stage) -> None:
    """Nothing asked, nothing embedded."""
    model = stage.embedding
    assert model.embed([]).shape == (0, model.embed(_texts(stage)).shape[1])


def a_text_has_always_the_same_vector(stage: Stage) -> None:
    """Nothing is drawn."""
    model, texts = stage.embedding, _texts(stage)
    assert (model.embed(texts) == model.embed(texts)).all()


def vectors_can_be_cut(stage: Stage) -> None:
    """They are shorter then and have the length 1; longer than they are they cannot be made."""
    model, texts = stage.embedding, _texts(stage)
    cut = model.embed(texts, output_dimensionality=4)
    assert cut.shape == (len(texts), 4)
    assert float(abs((cut**2).sum(axis=1) - 1).max()) < 1e-4
    _raises(SettingInvalid, lambda: model.embed(texts, output_dimensionality=100_000))


def the_base_model_embeds_too(stage: Stage) -> None:
    """For a comparison."""
    model, backend = stage.embedding, stage.able(Embeds)
    texts = _texts(stage)
    vectors = backend.embed(
        model.id, texts, task_type="DEFAULT", output_dimensionality=None, tuned=False
    )
    assert vectors.shape[0] == len(texts)


def the_closest_documents_are_found(stage: Stage) -> None:
    """The closest first, among those that the model was tuned on."""
    model = stage.embedding
    documents = {document.id: document for document in stage.data.corpus}
    found = model.search(next(iter(documents.values())).content, top_k=3)
    similarities = [match.similarity for match in found]
    assert len(found) == 3
    assert similarities == sorted(similarities, reverse=True)
    assert all(documents[match.document.id] == match.document for match in found)


def an_evaluation_ranks_with_both(stage: Stage) -> None:
    """Every query is ranked by both models."""
    evaluation = stage.embedding.evaluate(stage.data, labels="train", max_queries=3)
    assert evaluation.queries == 3
    assert evaluation.tuned.low <= evaluation.tuned.value <= evaluation.tuned.high
    assert len(evaluation.outcomes) == 3


def _texts(stage: Stage) -> list[str]:
    """A few texts like those that were learnt."""
    return [document.content for document in stage.data.corpus.head(4)]
