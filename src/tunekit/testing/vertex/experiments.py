"""The contexts that jobs keep their figures in; Google's clients look them up by the names that jobs give.

Belongs here: the calls to `metadataStores`.
Does not belong here: figures: there are none.
"""

from __future__ import annotations

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.place import Place
from tunekit.testing.vertex.wire import Json, not_found

_PREFIX = "tuning-experiment-"


def get_context(place: Place, ask: Ask) -> Json:
    """`metadataStores.contexts.get`: the experiment of a tuning job, or the run of a pipeline job."""
    named = ask.ids["contexts"]
    tuning = (ask.location, named.removeprefix(_PREFIX))
    if named.startswith(_PREFIX) and tuning in place.tuning_jobs:
        kind = "system.Experiment"
    elif (ask.location, named) in place.pipeline_jobs:
        kind = "system.PipelineRun"
    else:
        raise not_found("Context")
    return {
        "name": place.name(ask.location, "metadataStores/default/contexts", named),
        "displayName": named,
        "schemaTitle": kind,
        "schemaVersion": "0.0.1",
        "metadata": {},
    }
