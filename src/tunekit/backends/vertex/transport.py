"""Speaks to Google: its own clients where they can say it, plain JSON where no client can.

`docs/decisions/vertex-transport.md` says which call goes which way, and why.

Belongs here: sessions, clients, hosts, credentials and time limits.
Does not belong here: what is said (the other files of this folder), saying it again (`jobs/retries.py`).
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from tunekit.backends.vertex.case import Json
from tunekit.backends.vertex.extras import require_vertex_extra
from tunekit.backends.vertex.faults import HttpFault, cause_of, translated
from tunekit.backends.vertex.names import host_of
from tunekit.errors import AccessDenied, SettingInvalid, TunekitError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_STORAGE = "https://storage.googleapis.com"
_CHATTY = (
    "google.auth.transport.requests",
    "google.cloud.aiplatform_v1.services.endpoint_service.transports.rest",
    "google.cloud.aiplatform_v1.services.model_service.transports.rest",
    "google.cloud.aiplatform_v1.services.pipeline_service.transports.rest",
    "google.cloud.aiplatform_v1.services.prediction_service.transports.rest",
)
"""Loggers of Google's libraries that are handed whole requests and answers, prompts and rows in them."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Whom to speak to, as whom, and how long to wait."""

    location: str
    credentials: Any = field(default=None, repr=False)
    base_url: str | None = None
    storage_url: str | None = None
    timeout_seconds: float = 60.0
    api_version: str = "v1beta1"


class Transport:
    """Sessions and clients, made when they are first needed, and anew after a fork."""

    def __init__(self, connection: Connection) -> None:
        for name in ("base_url", "storage_url"):
            checked_url(name, getattr(connection, name))
        self.connection = connection
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}
        self._pid = os.getpid()

    def __repr__(self) -> str:
        return f"<Transport to {self.connection.base_url or self.connection.location}>"

    def call(self, name: str, function: Callable[[], ResultT]) -> ResultT:
        """Make a call of the table, and translate what goes wrong."""
        try:
            return function()
        except TunekitError:
            raise
        except Exception as error:
            raise translated(error, name) from cause_of(error)

    def json(
        self,
        name: str,
        http: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        location: str | None = None,
    ) -> Json:
        """Make a call in plain JSON.

        Args:
            name: Its name in the table of calls.
            http: `GET`, `POST`, ...
            path: The path behind the version.
            body: What to send.
            query: What to ask with.
            location: Where it goes to. `None` is the location of the backend.
        """
        url = f"{self.url(location)}/{self.connection.api_version}/{path}"
        asked = f"{url}?{urlencode(query)}" if query else url
        session = self.call(name, self._session)
        return self.call(name, lambda: self._answer(session, http, asked, body))

    def url(self, location: str | None = None) -> str:
        """The address of the service in a location."""
        own = self.connection.base_url
        return (
            own.rstrip("/") if own else f"https://{host_of(location or self.connection.location)}"
        )

    def client(self, kind: str, location: str | None = None) -> Any:
        """A typed client over REST.

        Args:
            kind: `EndpointService`, `ModelService`, `PipelineService` or `PredictionService`.
            location: Where it speaks to. `None` is the location of the backend.
        """
        url = self.url(location)

        def make() -> Any:
            from google.cloud import aiplatform_v1

            maker = getattr(aiplatform_v1, f"{kind}Client")
            return maker(
                transport="rest",
                credentials=self.credentials(),
                client_options={"api_endpoint": url},
            )

        return self._once(f"{kind} {url}", make)

    def bucket(self, name: str) -> Any:
        """A bucket of Cloud Storage. The address is always given, so that no variable of the environment turns it."""

        def make() -> Any:
            from google.cloud.storage import Client

            return Client(
                project="none",
                credentials=self.credentials(),
                client_options={"api_endpoint": self.connection.storage_url or _STORAGE},
            )

        return self._once("storage", make).bucket(name)

    def credentials(self) -> Any:
        """Those that were given, those of `vertexai.init`, or those of the environment."""
        return self._once("credentials", self._found_credentials)

    # --- steps -------------------------------------------------------------------------------------------------------

    def _answer(self, session: Any, http: str, url: str, body: Mapping[str, Any] | None) -> Json:
        answer = session.request(
            http,
            url,
            json=body,
            timeout=self.connection.timeout_seconds,
            max_allowed_time=self.connection.timeout_seconds,
            allow_redirects=False,
        )
        if not 200 <= answer.status_code < 300:
            raise HttpFault(answer.status_code, _message_in(answer))
        value = answer.json()
        if not isinstance(value, dict):
            raise TypeError("The answer is no JSON object.")
        return cast("Json", value)

    def _session(self) -> Any:
        def make() -> Any:
            from google.auth.transport.requests import AuthorizedSession

            return AuthorizedSession(self.credentials())

        return self._once("session", make)

    def _found_credentials(self) -> Any:
        given = self.connection.credentials or initialised("credentials")
        if given is not None:
            return given
        if is_loopback(self.connection.base_url):
            from google.auth.credentials import AnonymousCredentials

            return AnonymousCredentials()
        import google.auth
        import google.auth.exceptions

        try:
            credentials, _ = google.auth.default(scopes=[_SCOPE])
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise AccessDenied(
                "There are no Google credentials on this machine.",
                hint="Log in with `gcloud auth application-default login`, or give credentials=.",
            ) from cause_of(error)
        return credentials

    def _once(self, name: str, make: Callable[[], ResultT]) -> ResultT:
        """What was made under that name in this process, or what is made now."""
        with self._lock:
            if self._pid != os.getpid():
                self._made.clear()
                self._pid = os.getpid()
            if name not in self._made:
                require_vertex_extra()
                quieten()
                self._made[name] = make()
            return cast("ResultT", self._made[name])


class _WithoutPayload(logging.Filter):
    """Takes requests and answers out of what Google's libraries log for debugging: prompts and rows are in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name in ("httpRequest", "httpResponse", "request", "response"):
            if hasattr(record, name):
                setattr(record, name, "left out by tunekit")
        return True


def quieten() -> None:
    """See to it that no request is logged as a whole; what is logged otherwise stays as it is."""
    for name in _CHATTY:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _WithoutPayload) for one in logger.filters):
            logger.addFilter(_WithoutPayload())


def initialised(name: str) -> Any:
    """A setting of `vertexai.init` or `aiplatform.init`, where the caller made it; nothing is imported for that."""
    module = sys.modules.get("google.cloud.aiplatform.initializer")
    config = getattr(module, "global_config", None)
    # its public properties look things up elsewhere where nothing was set
    return getattr(config, f"_{name}", None) if config is not None else None


def checked_url(name: str, url: str | None) -> str | None:
    """An address that a token may be sent to.

    Raises:
        SettingInvalid: It is plain http to another machine, or no address.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise SettingInvalid(
            "The address holds a password.", hint="Give credentials= instead.", place=name
        )
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and is_loopback(url):
        return url
    raise SettingInvalid(
        f"{url!r} is no https address, and not on this machine.",
        hint="A token is never sent over plain http to another machine: write https://...",
        place=name,
    )


def is_loopback(url: str | None) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url or "").hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _message_in(answer: Any) -> str:
    """What an error says, where it is spelt as Google does."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return str(answer.reason or "")
