"""What every backend does, one function per behaviour. Each asserts one fact on a stage.

Belongs here: public functions that take a `Stage`; all of them are part of the contract.
Does not belong here: anything about one backend.
"""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

from tunekit.errors import (
    JobCancelled,
    JobNotFound,
    JobTimeout,
    KeyReused,
    ModelNotFound,
    SettingInvalid,
)
from tunekit.jobs.backend import (
    Backend,
    Inspects,
    KeepsModels,
    Predicts,
    Resumes,
    Sampling,
    Scores,
    TellsEvents,
)
from tunekit.jobs.record import JobRecord
from tunekit.jobs.states import JobState
from tunekit.testing.raising import raises as _raises
from tunekit.testing.stage import Stage
from tunekit.tuners.rewards import LengthReward

# --- what a backend is ------------------------------------------------------------------------------------------------


def is_a_backend(stage: Stage) -> None:
    """It has the four verbs, a name and a pace."""
    assert isinstance(stage.backend, Backend)


def has_a_short_name(stage: Stage) -> None:
    """The name is a lower-case word, since it stands in front of ids."""
    assert stage.backend.name.isalpha()
    assert stage.backend.name.islower()


def has_a_sensible_pace(stage: Stage) -> None:
    """Looking again never takes less time than looking for the first time."""
    assert 0 < stage.backend.polling.first_seconds <= stage.backend.polling.most_seconds


def shows_no_secret_when_printed(stage: Stage) -> None:
    """Its repr is one line and names no credentials."""
    assert "\n" not in repr(stage.backend)
    assert "token=" not in repr(stage.backend).lower()


# --- jobs that are not there ------------------------------------------------------------------------------------------


def fetching_an_unknown_job_says_so(stage: Stage) -> None:
    """An id that nobody gave is an error."""
    _raises(JobNotFound, lambda: stage.backend.fetch(f"{stage.backend.name}:no-such-job"))


def cancelling_an_unknown_job_says_so(stage: Stage) -> None:
    """So is cancelling it."""
    _raises(JobNotFound, lambda: stage.backend.cancel(f"{stage.backend.name}:no-such-job"))


def an_id_of_another_backend_is_refused(stage: Stage) -> None:
    """A client does not look for a job elsewhere."""
    _raises(JobNotFound, lambda: stage.client.job("elsewhere:1"))


def an_id_is_no_path(stage: Stage) -> None:
    """An id with path parts in it reaches nothing outside."""
    _raises(JobNotFound, lambda: stage.backend.fetch(f"{stage.backend.name}:../../etc"))


def fetching_an_unknown_model_says_so(stage: Stage) -> None:
    """A model id that nobody gave is an error."""
    keeper = stage.able(KeepsModels)
    _raises(ModelNotFound, lambda: keeper.fetch_model(f"{stage.backend.name}:no-such-job/model"))


# --- looking beforehand -----------------------------------------------------------------------------------------------


def looking_beforehand_starts_nothing(stage: Stage) -> None:
    """A plan leaves no job behind."""
    before = [record.id for record in stage.backend.list_jobs()]
    stage.client.plan(stage.tuner, stage.data)
    assert [record.id for record in stage.backend.list_jobs()] == before


def looking_beforehand_counts_tokens(stage: Stage) -> None:
    """A backend that can look beforehand tells how many tokens there are."""
    stage.able(Inspects)
    tokens = stage.client.plan(stage.tuner, stage.data).tokens
    assert tokens is not None
    assert 0 <= tokens.trained <= tokens.total
    assert tokens.total > 0
    assert tokens.longest_row <= tokens.total
    assert tokens.low <= tokens.total <= (tokens.high or tokens.total)
    assert not tokens.exact or tokens.low == tokens.high == tokens.total


def a_plan_is_the_same_every_time(stage: Stage) -> None:
    """Planning twice decides the same settings."""
    first = stage.client.plan(stage.tuner, stage.data, key="same")
    second = stage.client.plan(stage.tuner, stage.data, key="same")
    assert first.settings == second.settings
    assert first.job == second.job


# --- a job from start to end ------------------------------------------------------------------------------------------


def a_job_id_is_a_plain_string(stage: Stage) -> None:
    """It has the backend in front and no white space."""
    assert stage.finished.id.startswith(f"{stage.backend.name}:")
    assert not any(char.isspace() for char in stage.finished.id)


def a_job_ends_with_a_model(stage: Stage) -> None:
    """A job that went well has succeeded, with a model."""
    assert stage.finished.state.has_model
    assert stage.finished.record.model is not None


def a_job_echoes_what_was_asked(stage: Stage) -> None:
    """Name, labels, key and settings come back as they were given."""
    request = stage.finished.record.request
    assert request.display_name == "contract"
    assert request.labels == {"purpose": "contract"}
    assert request.key == stage.key
    assert request.tuner.base_model == stage.tuner.base_model
    assert request.tuner.kind == stage.tuner.kind


def a_job_echoes_its_rows(stage: Stage) -> None:
    """It tells how many rows it works on, and which."""
    train = stage.finished.record.request.dataset("train")
    assert train is not None
    assert train.num_rows == len(stage.rows)
    assert train.digest == stage.rows.digest()


def every_setting_is_decided(stage: Stage) -> None:
    """The settings that a job records leave nothing open that its plan has decided."""
    tuner = stage.finished.record.request.tuner
    for setting in stage.client.plan(stage.tuner, stage.data).settings:
        assert getattr(tuner, setting.name) is not None


def a_record_survives_json(stage: Stage) -> None:
    """Written as JSON and read back it is the same record."""
    record = stage.finished.record
    assert JobRecord.model_validate_json(record.model_dump_json()) == record


def a_record_survives_pickling(stage: Stage) -> None:
    """It can be sent to another process."""
    record = stage.finished.record
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301  # our own bytes


def a_record_holds_no_row(stage: Stage) -> None:
    """Nothing of a row's own text gets into a record: only what most prompts share."""
    written = stage.finished.record.model_dump(mode="json")
    written["request"].pop("template")
    if written["model"]:
        written["model"].pop("template")
    told = json.dumps(written)
    assert not any(json.dumps(prompt)[1:-1] in told for prompt in stage.prompts)


def times_are_in_order(stage: Stage) -> None:
    """Created, started and ended follow each other, with time zones."""
    record = stage.finished.record
    assert record.created_at.tzinfo is not None
    assert record.started_at is not None
    assert record.ended_at is not None
    assert record.created_at <= record.started_at <= record.ended_at


def an_ended_job_stays_ended(stage: Stage) -> None:
    """Looking again changes nothing."""
    before = stage.finished.record
    assert stage.finished.refresh().state is before.state


def the_model_names_its_origin(stage: Stage) -> None:
    """It tells the job, the base model and the way of tuning."""
    model = stage.finished.record.model
    assert model is not None
    assert model.job_id == stage.finished.id
    assert model.base_model == stage.tuner.base_model
    assert model.method == stage.tuner.kind
    assert model.kind == stage.tuner.model_kind


def progress_ends_complete(stage: Stage) -> None:
    """A job that tells its progress has done all its steps in the end."""
    progress = stage.finished.record.progress
    assert progress is None or progress.step == progress.total_steps


def waiting_for_an_ended_job_returns_at_once(stage: Stage) -> None:
    """It gives the record."""
    assert stage.finished.wait(timeout_seconds=0).id == stage.finished.id


def a_result_can_be_awaited(stage: Stage) -> None:
    """In async code the job itself is awaited."""

    async def awaited() -> Any:
        return await stage.finished

    assert asyncio.run(awaited()).id == stage.model.id


def a_wait_that_is_too_short_says_so(stage: Stage) -> None:
    """It raises, and leaves the job alone."""
    job = stage.start()
    try:
        _raises(JobTimeout, lambda: job.wait(timeout_seconds=0))
        assert not job.state.is_terminal
    finally:
        job.cancel()


# --- one job for one key ----------------------------------------------------------------------------------------------


def the_same_key_gives_the_same_job(stage: Stage) -> None:
    """Asking twice starts once."""
    again = stage.client.tune(stage.tuner, stage.data, key=_key(stage), display_name="another name")
    assert again.id == stage.finished.id


def the_same_key_with_other_settings_is_refused(stage: Stage) -> None:
    """A key belongs to what was asked first."""
    key = _key(stage)
    other = stage.tuner.model_copy(update={"seed": stage.tuner.seed + 1})
    _raises(KeyReused, lambda: stage.client.tune(other, stage.data, key=key))


def the_same_key_with_other_rows_is_refused(stage: Stage) -> None:
    """Other rows are something else to ask."""
    key = _key(stage)
    _raises(KeyReused, lambda: stage.client.tune(stage.tuner, stage.other, key=key))


def the_same_key_elsewhere_gives_the_same_job(stage: Stage) -> None:
    """Also another process starts nothing twice."""
    key = _key(stage)
    assert stage.other_client().tune(stage.tuner, stage.data, key=key).id == stage.finished.id


def another_key_gives_another_job(stage: Stage) -> None:
    """The same rows and settings can be tuned again."""
    assert stage.cancelled.id != stage.finished.id


# --- finding jobs and models ------------------------------------------------------------------------------------------


def a_job_can_be_picked_up_by_its_id(stage: Stage) -> None:
    """A new handle sees the same job."""
    assert stage.client.job(stage.finished.id).record == stage.finished.refresh()


def a_job_can_be_picked_up_elsewhere(stage: Stage) -> None:
    """So does one in another process, and it can use the model."""
    job = stage.other_client().job(stage.finished.id)
    assert job.record == stage.finished.refresh()
    assert job.result().id == stage.model.id


def jobs_are_listed_once(stage: Stage) -> None:
    """Every job is in the list, and no job twice."""
    listed = [job.id for job in stage.client.jobs()]
    assert {stage.finished.id, stage.cancelled.id} <= set(listed)
    assert len(listed) == len(set(listed))


def jobs_are_listed_newest_first(stage: Stage) -> None:
    """The list goes back in time."""
    created = [job.record.created_at for job in stage.client.jobs()]
    assert created == sorted(created, reverse=True)


def models_can_be_found(stage: Stage) -> None:
    """By their id, and in the list."""
    stage.able(KeepsModels)
    assert stage.client.model(stage.model.id).record == stage.model.record
    assert stage.model.id in [model.id for model in stage.client.models()]


# --- cancelling and resuming ------------------------------------------------------------------------------------------


def a_cancelled_job_ends(stage: Stage) -> None:
    """It is cancelled, or it was too late and it has succeeded."""
    assert stage.cancelled.state is JobState.CANCELLED or stage.cancelled.state.has_model


def a_cancelled_job_has_no_result(stage: Stage) -> None:
    """Asking for it says why."""
    if stage.cancelled.state is JobState.CANCELLED:
        error = _raises(JobCancelled, stage.cancelled.result)
        assert error.record.id == stage.cancelled.id


def cancelling_twice_changes_nothing(stage: Stage) -> None:
    """Nor does cancelling a job that is over."""
    assert stage.cancelled.cancel().state is stage.cancelled.state
    assert stage.client.job(stage.finished.id).cancel().state.has_model


def a_succeeded_job_is_not_resumed(stage: Stage) -> None:
    """There is nothing to go on with."""
    stage.able(Resumes)
    _raises(SettingInvalid, stage.client.job(stage.finished.id).resume)


def a_cancelled_job_can_be_resumed(stage: Stage) -> None:
    """It goes on as a new attempt, to the end."""
    stage.able(Resumes)
    job = stage.client.job(stage.cancelled.id)
    if job.state.has_model:
        return
    before = job.record
    after = job.resume()
    assert before.state.may_become(after.state, new_attempt=True)
    assert after.attempt == before.attempt + 1
    assert job.wait(stage.patience_seconds).state.has_model


# --- what happened ----------------------------------------------------------------------------------------------------


def events_are_numbered(stage: Stage) -> None:
    """From 1, without gaps."""
    stage.able(TellsEvents)
    numbers = [event.number for event in stage.finished.events()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def events_can_be_read_on_from_anywhere(stage: Stage) -> None:
    """Those after a number are the rest."""
    log = stage.able(TellsEvents)
    events = list(stage.finished.events())
    assert list(log.events(stage.finished.id, events[0].number)) == events[1:]
    assert list(log.events(stage.finished.id, events[-1].number)) == []


def events_end_with_the_state(stage: Stage) -> None:
    """The last state that an event tells is the state of the job."""
    stage.able(TellsEvents)
    told = [event.state for event in stage.finished.events() if event.state is not None]
    assert told[-1] is stage.finished.state


def following_an_ended_job_ends(stage: Stage) -> None:
    """It gives what there is and does not wait."""
    stage.able(TellsEvents)
    assert list(stage.finished.events(follow=True)) == list(stage.finished.events())


def figures_come_in_order_of_steps(stage: Stage) -> None:
    """Step by step, in each part of the job anew."""
    stage.able(TellsEvents)
    steps: dict[str, list[int]] = {}
    for metrics in stage.finished.metrics():
        steps.setdefault(metrics.stage, []).append(metrics.step)
    assert all(part == sorted(part) for part in steps.values())


def checkpoints_can_be_used(stage: Stage) -> None:
    """Each has an id under which there is a model."""
    stage.able(TellsEvents)
    stage.able(KeepsModels)
    for checkpoint in stage.finished.checkpoints():
        assert stage.client.model(checkpoint.id).id == checkpoint.id


# --- asking models ----------------------------------------------------------------------------------------------------


def answers_come_in_order(stage: Stage) -> None:
    """One per prompt, the same whether asked alone or together."""
    model = stage.answering
    together = model.predict_many(stage.prompts)
    assert len(together) == len(stage.prompts)
    assert str(model.predict(stage.prompts[-1])) == str(together[-1])


def no_prompts_give_no_answers(stage: Stage) -> None:
    """Nothing asked, nothing answered."""
    model = stage.answering
    assert model.predict_many([]) == []


def the_likeliest_answer_is_always_the_same(stage: Stage) -> None:
    """At temperature 0."""
    model = stage.answering
    prompt = stage.prompts[0]
    assert model.predict(prompt).text == model.predict(prompt).text


def a_seed_repeats_a_draw(stage: Stage) -> None:
    """At any temperature."""
    model = stage.answering
    draws = {
        model.predict(stage.prompts[0], temperature=1.0, seed=3, max_output_tokens=8).text
        for _ in range(2)
    }
    assert len(draws) == 1


def an_answer_is_cut_where_asked(stage: Stage) -> None:
    """It is never longer than the most that was asked for."""
    model = stage.answering
    answer = model.predict(stage.prompts[0], max_output_tokens=1)
    assert answer.num_output_tokens is None or answer.num_output_tokens <= 1


def the_base_model_can_be_asked_too(stage: Stage) -> None:
    """For a comparison."""
    model, backend = stage.answering, stage.able(Predicts)
    answers = backend.predict(model.id, stage.prompts, Sampling(), tuned=False)
    assert len(answers) == len(stage.prompts)


def losses_are_finite_and_fall(stage: Stage) -> None:
    """On the rows that it was tuned on the model is less surprised than its base."""
    backend = stage.able(Scores)
    rows = stage.answered
    tuned = backend.losses(stage.model.id, rows, tuned=True)
    base = backend.losses(stage.model.id, rows, tuned=False)
    assert all(loss.tokens > 0 and loss.nats >= 0 for loss in (*tuned, *base))
    assert sum(loss.nats for loss in tuned) < sum(loss.nats for loss in base)


def an_evaluation_compares_both(stage: Stage) -> None:
    """Every row is answered by both models; where the rows have no answer, a reward tells how well."""
    model = stage.answering
    scored = stage.rows.head(1)[0].completion_text() is None
    reward = LengthReward(max_words=5) if scored else None
    evaluation = model.evaluate(stage.rows, reward=reward, max_output_tokens=4, max_rows=4)
    assert evaluation.rows == min(4, len(stage.rows))
    assert evaluation.tuned.low <= evaluation.tuned.value <= evaluation.tuned.high


def a_deleted_model_is_gone(stage: Stage) -> None:
    """Its id gives nothing any more; the job's record stays."""
    stage.able(KeepsModels)
    if not stage.cancelled.refresh().state.has_model:
        return
    model = stage.cancelled.result()
    model.delete()
    _raises(ModelNotFound, lambda: stage.client.model(model.id))
    assert model.id not in [other.id for other in stage.client.models()]
    assert stage.client.job(stage.cancelled.id).state.is_terminal


def _key(stage: Stage) -> str:
    """The key of the finished job, once there is one."""
    return str(stage.finished.record.request.key)
