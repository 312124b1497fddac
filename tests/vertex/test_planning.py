"""Looking beforehand: what a plan shows, what is gone, what nobody knows; and nothing is looked up for it."""

from __future__ import annotations

import json
import sys
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

import tunekit as tk
from sample_rows import preferences, routing, write_lines
from tunekit.backends.vertex.capability import refuse_retired, warnings
from tunekit.catalog.vertex import vertex_model, vertex_models, vertex_price
from tuner_cases import preference_data, prompts
from vertex.discovery import referee


def client(**settings: Any) -> tk.Client:
    """A client with nobody behind it: a request would go to a port that nobody listens on."""
    settings = {
        "project": "acme",
        "location": "us-central1",
        "staging_bucket": "gs://rows",
    } | settings
    return tk.Client(tk.VertexBackend(**settings, base_url="http://127.0.0.1:9"))


SUPERVISED = tk.SupervisedTuner(base_model="gemini-3.1-flash-lite", epochs=2)


def test_a_plan_shows_the_request_that_would_be_sent() -> None:
    plan = client().plan(
        SUPERVISED, routing(200), validation=routing(20, seed=5), key="k", labels={"team": "a"}
    )
    body: Any = plan.request
    path = "/v1beta1/projects/acme/locations/us-central1/tuningJobs"
    assert referee().request_faults("POST", path, body) == []
    assert body["supervisedTuningSpec"]["hyperParameters"] == {"epochCount": "2"}
    assert body["labels"]["team"] == "a"
    assert plan.steps is None
    uri = body["supervisedTuningSpec"]["trainingDatasetUri"]
    assert uri.startswith("gs://rows/tunekit/data/")
    assert any(written.startswith(uri) for written in plan.writes)
    assert [setting.name for setting in plan.settings] == ["epochs"]


def test_a_plan_has_a_range_of_cost_with_its_source() -> None:
    plan = client().plan(SUPERVISED, routing(200))
    assert plan.cost is not None
    assert plan.tokens is not None
    price = vertex_price(SUPERVISED.base_model, "supervised")
    assert price is not None
    assert plan.tokens.high is not None
    assert plan.tokens.low < plan.tokens.total < plan.tokens.high
    per_token = 2 * price.usd_per_million_tokens / 1e6
    assert plan.cost.low == pytest.approx(plan.tokens.low * per_token)
    assert plan.cost.high == pytest.approx(plan.tokens.high * per_token)
    assert price.source in plan.cost.basis


def test_preferences_are_billed_for_both_answers() -> None:
    tuner = tk.PreferenceTuner(base_model="gemini-2.5-flash", epochs=1)
    one = tk.Preference(prompt="p" * 400, candidates=("a" * 40, "b" * 80), choice=0)
    rows = tk.Dataset.read([one] * 20, row=tk.Preference)
    cost = client(allow_retired=True).plan(tuner, rows).cost
    assert cost is not None
    assert cost.low is not None
    assert cost.high is not None
    assert cost.high / cost.low == pytest.approx((2 * 260 + 26 + 52) / (2 * 60 + 6 + 12))
    assert f"{20 * (2 * 100 + 10 + 20):,} tokens" in cost.basis


def test_without_a_public_price_a_plan_says_so_and_takes_yours() -> None:
    tuner = tk.SupervisedTuner(base_model="gemini-3.5-flash", epochs=1)
    unknown = client().plan(tuner, routing(120)).cost
    assert unknown is not None
    assert (unknown.low, unknown.high) == (None, None)
    assert "price_per_million_tokens" in unknown.basis
    options = tk.VertexOptions(price_per_million_tokens=10.0)
    known = client(options=options).plan(tuner, routing(120)).cost
    assert known is not None
    assert known.high is not None


def test_a_budget_refuses_before_anything_is_sent() -> None:
    with pytest.raises(tk.BudgetExceeded, match=r"more than the 0\.00"):
        client().tune(SUPERVISED, routing(200), budget=0.0001)
    with pytest.raises(tk.BudgetExceeded, match="Nobody can say"):
        client().tune(
            tk.SupervisedTuner(base_model="gemini-3.5-flash"), routing(200), budget=1_000.0
        )


def test_a_budget_bounds_nothing_where_nothing_is_paid() -> None:
    job = tk.Client(tk.MemoryBackend()).tune(SUPERVISED, routing(), budget=0.0)
    assert job.result().id


RETIRED: dict[str, tuple[Any, Any, str, date]] = {
    "a base model": (
        tk.SupervisedTuner(base_model="text-bison@002"),
        routing(),
        "gemini-3.5-flash",
        date(2025, 4, 21),
    ),
    "a base model of last year": (
        tk.SupervisedTuner(base_model="gemini-2.5-flash"),
        routing(),
        "gemini-3.5-flash",
        date(2026, 10, 20),
    ),
    "a way of tuning": (
        tk.RLHFTuner(base_model="text-bison@002"),
        preference_data(),
        "tk.PreferenceTuner",
        date(2025, 4, 21),
    ),
    "a teacher": (
        tk.Distiller(base_model="qwen/qwen3@qwen3-4b", teacher="text-unicorn@001"),
        prompts(),
        "gemini-3.5-flash",
        date(2025, 4, 21),
    ),
}


@pytest.mark.parametrize("name", RETIRED)
@pytest.mark.parametrize("verb", ["plan", "check", "tune"])
def test_what_is_gone_is_refused_with_date_and_successor(
    name: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner, data, successor, since = RETIRED[name]
    backend = tk.VertexBackend(project="acme", staging_bucket="gs://rows")
    monkeypatch.setattr(backend._transport, "_found_credentials", lambda: pytest.fail("looked up"))
    with pytest.raises(tk.CapabilityRetired) as gone:
        getattr(tk.Client(backend), verb)(tuner, data)
    assert gone.value.since == since
    assert successor in str(gone.value)
    assert "LocalBackend" in str(gone.value)
    assert str(since) in str(gone.value)


@pytest.mark.parametrize("kind", ["imagen_style", "imagen_subject"])
def test_image_tuning_is_gone_and_customization_is_no_tuning(kind: str) -> None:
    class Tuner(tk.SupervisedTuner):
        pass

    Tuner.kind = kind
    with pytest.raises(tk.CapabilityRetired, match="not tuning") as gone:
        refuse_retired(Tuner(base_model="imagegeneration@002"), date(2026, 11, 30))
    assert gone.value.since == date(2025, 12, 31)


def test_what_is_gone_is_sent_all_the_same_where_allowed() -> None:
    plan = client(allow_retired=True).plan(
        tk.SupervisedTuner(base_model="text-bison@002"), routing(120)
    )
    assert plan.request is not None
    assert "templateUri" in plan.request
    assert any("gone since 2025-04-21" in warning for warning in plan.warnings)


def test_a_model_that_nobody_knows_is_warned_of_and_goes_on() -> None:
    plan = client().plan(tk.SupervisedTuner(base_model="gemini-9-flash"), routing(120))
    assert plan.request is not None
    assert plan.request["baseModel"] == "gemini-9-flash"
    assert any("does not know the base model 'gemini-9-flash'" in w for w in plan.warnings)


def test_a_misspelt_model_is_guessed_at() -> None:
    plan = client().plan(tk.SupervisedTuner(base_model="gemini-3.5-flsh"), routing(120))
    assert any("Did you mean 'gemini-3.5-flash'?" in warning for warning in plan.warnings)


def test_a_model_that_retires_soon_is_warned_of() -> None:
    tuner = tk.SupervisedTuner(base_model="text-embedding-005")
    model = vertex_model("text-embedding-005")
    assert any("retires 2027-04-01" in w for w in warnings(tuner, model, date(2027, 2, 1)))
    assert not any("retires" in w for w in warnings(tuner, model, date(2026, 11, 1)))


def test_an_earliest_day_of_retirement_refuses_nothing() -> None:
    refuse_retired(tk.SupervisedTuner(base_model="gemini-3.5-flash"), date(2030, 1, 1))


def test_every_row_of_the_catalog_has_a_public_source() -> None:
    for model in vertex_models():
        assert model.source.startswith("https://"), model.id
        assert model.retires is None or model.successor or model.retires > date(2026, 12, 1), (
            model.id
        )


def test_nothing_of_google_is_imported_for_a_plan() -> None:
    import subprocess

    code = (
        "import sys; before = {*sys.modules}; import tunekit as tk\n"
        "rows = tk.Dataset.read([{'input_text': f'{n}', 'output_text': 'b'} for n in range(20)], "
        "row=tk.PromptCompletion)\n"
        "backend = tk.VertexBackend(project='p', staging_bucket='b')\n"
        "tk.Client(backend).plan(tk.SupervisedTuner(base_model='gemini-3.5-flash'), rows)\n"
        "loaded = {name.split('.')[0] for name in {*sys.modules} - before}\n"
        "assert not loaded & {'google', 'requests'}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_of_vertexai_init_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    config = SimpleNamespace(
        _project="theirs",
        _location="europe-west4",
        _staging_bucket="gs://their-bucket",
        _service_account="tuner@theirs.iam.gserviceaccount.com",
    )
    module: Any = SimpleNamespace(global_config=config)
    monkeypatch.setitem(sys.modules, "google.cloud.aiplatform.initializer", module)
    backend = tk.VertexBackend()
    assert "project='theirs', location='europe-west4', staging_bucket='gs://their-bucket'" in repr(
        backend
    )
    body: Any = tk.Client(backend).plan(SUPERVISED, routing(120)).request
    assert body["serviceAccount"] == "tuner@theirs.iam.gserviceaccount.com"


@pytest.mark.parametrize(
    ("settings", "way_out"),
    [
        ({"staging_bucket": "gs://b"}, "VertexBackend\\(project="),
        ({"project": "p"}, "staging_bucket='gs://"),
    ],
)
def test_a_place_that_nobody_names_is_asked_for(
    settings: dict[str, Any], way_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(tk.SettingInvalid, match=way_out):
        tk.VertexBackend(**settings)


def test_faults_of_rows_are_found_beforehand(tmp_path: Any) -> None:
    lines: list[Any] = [{"input_text": f"q{n}", "label": f"{n}"} for n in range(3)]
    lines[1].pop("label")
    rows = tk.Dataset.read(write_lines(tmp_path / "p.jsonl", lines), row=tk.Prompt)
    tuner = tk.ReinforcementTuner(
        base_model="gemini-3.5-flash", reward=tk.ExactMatch(expected="{{references.label}}")
    )
    report = client().check(tuner, rows)
    (missing,) = report.errors
    assert (missing.rule, missing.line) == ("unscorable-row", 2)


def test_a_file_for_an_open_model_is_refused_with_its_line() -> None:
    part = tk.FilePart(uri="gs://b/i.png", mime_type="image/png")
    turns = (
        tk.Message(role="user", content=(part, tk.TextPart(text="?"))),
        tk.Message(role="model", content="!"),
    )
    rows = tk.Dataset.read([tk.Conversation(messages=turns)] * 9, row=tk.Conversation)
    tuner = tk.SupervisedTuner(base_model="qwen/qwen3@qwen3-4b", tuning_mode="full")
    report = client().check(tuner, rows)
    assert {finding.rule for finding in report.errors} == {"wrong-row-kind"}


def test_a_row_that_may_be_too_long_is_a_warning_and_no_error() -> None:
    long = tk.PromptCompletion(prompt="word " * 200_000, completion="x")
    report = client().check(SUPERVISED, tk.Dataset.read([long] * 3, row=tk.PromptCompletion))
    assert report.ok
    assert any(finding.rule == "row-too-long" for finding in report.warnings)


def test_too_many_rows_are_an_error() -> None:
    rows = prompts(5_001)
    tuner = tk.ReinforcementTuner(
        base_model="gemini-3.5-flash", reward=tk.LengthReward(max_words=2)
    )
    assert any(f.rule == "too-many-rows" for f in client().check(tuner, rows).errors)


def test_what_cannot_be_sent_is_warned_of() -> None:
    tuner = tk.ReinforcementTuner(
        base_model="gemini-3.5-flash", reward=tk.ExactMatch(expected="a", correct=3.0), seed=4
    )
    told = "\n".join(client().plan(tuner, prompts(40)).warnings)
    assert "seed=4" in told
    assert "clips it" in told
    assert "kl_coeff" in told


def test_the_same_rows_go_to_the_same_place_and_carry_no_further_fields() -> None:
    rows = [{"input_text": "q", "output_text": "a"}] * 3
    noted = [{**line, "customer": "secret"} for line in rows]
    first = client().plan(SUPERVISED, tk.Dataset.read(noted, row=tk.PromptCompletion))
    again = client().plan(SUPERVISED, tk.Dataset.read(rows, row=tk.PromptCompletion))
    assert first.writes == again.writes


def test_a_plan_can_be_shown() -> None:
    plan = client().plan(tk.SupervisedTuner(base_model="gemini-3.5-flash"), routing(120))
    assert "unknown: no public price" in str(plan)
    assert json.loads(plan.model_dump_json())["cost"]["low"] is None
    assert "preference" in str(
        client().plan(tk.PreferenceTuner(base_model="gemini-3.5-flash"), preferences(120))
    )
