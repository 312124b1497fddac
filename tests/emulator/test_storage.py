"""Cloud Storage, asked by Google's own client and, where that hides something, by hand."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest

from emulated import Wire, client_library, hold_answers
from tunekit.testing import VertexEmulator, VertexFault

BIG = bytes(range(256)) * 4 * 1024 * 9  # 9 MiB: Google's client makes a resumable upload of it


@pytest.fixture
def client(vertex: VertexEmulator) -> Iterator[Any]:
    client = client_library("google.cloud.storage").Client(
        project=vertex.project,
        credentials=client_library("google.auth.credentials").AnonymousCredentials(),
        client_options={"api_endpoint": vertex.storage_url},
    )
    yield client
    client.close()


@pytest.fixture
def bucket(client: Any, vertex: VertexEmulator) -> Any:
    return client.bucket(vertex.bucket)


def test_googles_client_finds_it_by_its_variable(
    vertex: VertexEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", vertex.storage_url)
    client = client_library("google.cloud.storage").Client(project=vertex.project)
    assert [found.name for found in client.list_buckets()] == [vertex.bucket]
    client.close()


def test_an_object_comes_back_as_it_was_sent(bucket: Any, vertex: VertexEmulator) -> None:
    blob = bucket.blob("rows/träin 1.jsonl")
    blob.upload_from_string(b"hello", content_type="application/jsonl", if_generation_match=0)
    assert blob.crc32c == "mnG7TA=="
    assert blob.size == 5
    other = bucket.get_blob("rows/träin 1.jsonl")
    assert other.content_type == "application/jsonl"
    assert other.download_as_bytes() == b"hello"
    assert other.download_as_bytes(start=1, end=3) == b"ell"
    assert vertex.objects[f"gs://{vertex.bucket}/rows/träin 1.jsonl"] == b"hello"


def test_conditions_on_generations_hold(bucket: Any) -> None:
    from google.api_core.exceptions import NotFound, PreconditionFailed

    blob = bucket.blob("claim")
    blob.upload_from_string(b"mine", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed):
        bucket.blob("claim").upload_from_string(b"theirs", if_generation_match=0)
    blob.upload_from_string(b"again", if_generation_match=first)
    assert blob.generation > first
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=first)
    with pytest.raises(NotFound):
        bucket.blob("claim", generation=first).download_as_bytes()
    blob.delete(if_generation_match=blob.generation)
    assert bucket.get_blob("claim") is None


@pytest.mark.parametrize("chunk", [None, 1024 * 1024])
def test_a_large_object_is_uploaded_in_pieces(
    bucket: Any, vertex: VertexEmulator, chunk: int | None
) -> None:
    blob = bucket.blob("big", chunk_size=chunk)
    blob.upload_from_file(io.BytesIO(BIG), size=len(BIG), checksum="crc32c")
    assert blob.md5_hash == hashlib_md5(BIG)
    assert vertex.objects[f"gs://{vertex.bucket}/big"] == BIG
    puts = [call for call in vertex.requests if call.method == "PUT"]
    assert len(puts) == (9 if chunk else 1)
    assert bucket.get_blob("big").download_as_bytes() == BIG


def hashlib_md5(data: bytes) -> str:
    """What Cloud Storage says of the data."""
    import base64

    return base64.b64encode(hashlib.md5(data).digest()).decode()


def test_an_upload_goes_on_where_it_broke_off(bucket: Any, vertex: VertexEmulator) -> None:
    vertex.fail_next(VertexFault(kind="close", method="PUT", path="/upload/*", nth=3))
    vertex.fail_next(VertexFault(kind="status", method="PUT", path="/upload/*", nth=6))
    blob = bucket.blob("big", chunk_size=1024 * 1024)
    blob.upload_from_file(io.BytesIO(BIG), size=len(BIG))
    assert vertex.objects[f"gs://{vertex.bucket}/big"] == BIG
    vertex.check_faults_fired()


def test_listing_knows_prefixes_folders_and_pages(bucket: Any, client: Any) -> None:
    for name in ("a/1", "a/2", "b/1", "c"):
        bucket.blob(name).upload_from_string(b"x")
    assert [blob.name for blob in client.list_blobs(bucket, prefix="a/")] == ["a/1", "a/2"]
    listed = client.list_blobs(bucket, delimiter="/", page_size=1)
    assert [blob.name for blob in listed] == ["c"]
    assert listed.prefixes == {"a/", "b/"}
    assert [blob.name for blob in client.list_blobs(bucket, page_size=1)] == [
        "a/1",
        "a/2",
        "b/1",
        "c",
    ]
    assert [
        blob.name for blob in client.list_blobs(bucket, start_offset="a/2", end_offset="c")
    ] == [
        "a/2",
        "b/1",
    ]


def test_descriptions_change_and_buckets_come_and_go(bucket: Any, client: Any) -> None:
    from google.api_core.exceptions import Conflict, NotFound

    blob = bucket.blob("x")
    blob.upload_from_string(b"x")
    blob.metadata = {"digest": "7"}
    blob.patch()
    assert bucket.get_blob("x").metadata == {"digest": "7"}
    assert bucket.get_blob("x").metageneration == 2
    made = client.create_bucket("other", location="EU")
    assert (made.location, client.get_bucket("other").project_number) == ("EU", 123456789012)
    made.delete()
    with pytest.raises(NotFound):
        client.get_bucket("other")
    with pytest.raises(Conflict):
        bucket.delete()
    with pytest.raises(NotFound):
        client.bucket("other").blob("x").upload_from_string(b"x")


def test_a_wrong_checksum_is_refused(wire: Wire) -> None:
    path = f"/upload/storage/v1/b/{wire.vertex.bucket}/o"
    query = {"uploadType": "media", "name": "x"}
    answer = wire.call(
        "POST", path, b"hello", query=query, headers={"X-Goog-Hash": "crc32c=AAAAAA=="}
    )
    assert answer.status == 400
    assert answer.body["error"]["errors"][0]["reason"] == "invalid"
    assert wire.call("POST", path, b"hello", query=query).body["crc32c"] == "mnG7TA=="


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/storage/v1/b/gone", 404, "notFound"),
        ("GET", "/storage/v1/b/tunekit-emulated/o/gone", 404, "notFound"),
        ("POST", "/storage/v1/b", 400, "required"),
        ("POST", "/upload/storage/v1/b/tunekit-emulated/o", 400, "required"),
        ("GET", "/storage/v1/nothing", 404, "notFound"),
        ("PUT", "/upload/storage/v1/b/tunekit-emulated/o?upload_id=7", 404, "notFound"),
    ],
)
def test_refusals_have_the_shape_of_cloud_storage(
    wire: Wire, method: str, path: str, status: int, reason: str
) -> None:
    answer = wire.call(method, path, b"{}" if method != "GET" else None)
    assert answer.status == answer.body["error"]["code"] == status
    assert answer.body["error"]["errors"][0]["reason"] == reason


def test_a_part_beyond_the_end_is_refused(wire: Wire) -> None:
    wire.vertex.put_object("x", b"hello")
    path = f"/download/storage/v1/b/{wire.vertex.bucket}/o/x"
    last = wire.call("GET", path, query={"alt": "media"}, headers={"Range": "bytes=-2"})
    assert (last.status, last.body, last.headers["Content-Range"]) == (206, b"lo", "bytes 3-4/5")
    beyond = wire.call("GET", path, query={"alt": "media"}, headers={"Range": "bytes=9-"})
    assert beyond.status == 416


def test_checksums_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tunekit.testing.vertex.storage.checksums import crc32c

    fast = crc32c(b"123456789")
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    assert crc32c(b"123456789") == fast == "4waSgw=="  # 0xE3069283, the check value of CRC-32C


def test_its_answers_were_held_against_the_description(bucket: Any, vertex: VertexEmulator) -> None:
    bucket.blob("x").upload_from_string(b"x")
    bucket.get_blob("x")
    assert hold_answers(vertex) == len(vertex.requests) >= 2
