"""Every error that tunekit raises.

    TunekitError
    ├── DatasetInvalid      (ValueError)           the rows have errors; carries the report
    ├── DatasetChanged      (RuntimeError)         the rows changed while they were being read
    ├── SourceNotFound      (FileNotFoundError)    no file where rows were expected
    ├── FormatUnknown       (ValueError)           the shape of the rows is not one that is known
    ├── FormatLoss          (ValueError)           a row does not fit a format without loss
    ├── FileKept            (FileExistsError)      writing would have replaced a file
    ├── SettingInvalid      (ValueError)           a setting that cannot be
    ├── MissingExtra        (ImportError)          an optional dependency is not installed
    ├── BaseModelNotFound   (LookupError)          no such model to start from
    ├── MethodUnsupported   (NotImplementedError)  this backend cannot do that
    │   └── CapabilityRetired                      it once could; says since when, and the successor
    ├── BudgetExceeded      (ValueError)           it could cost more than was allowed; nothing was started
    ├── AccessDenied        (PermissionError)      who you are, or what you may do, does not suffice
    ├── JobNotFound         (LookupError)          no job of that id
    ├── ModelNotFound       (LookupError)          no tuned model of that id
    ├── JobFailed           (RuntimeError)         the job ended without a model; carries the record
    │   ├── JobCancelled                           because somebody cancelled it
    │   └── TunedButNotDeployed                    there is a model, and no endpoint that serves it
    ├── JobTimeout          (TimeoutError)         the wait was too short; the job goes on
    ├── KeyReused           (ValueError)           one key, two different requests
    ├── ExportFailed        (RuntimeError)         an export could not be written or run; nothing was kept
    ├── ExportDrifted       (RuntimeError)         an exported model answers differently; nothing was kept
    └── BackendFault                               what a backend could not do just now
        ├── TransientFault  (ConnectionError)      nothing happened; try again
        ├── QuotaExceeded   (RuntimeError)         nothing happened; try again later
        └── SubmissionUnknown (RuntimeError)       the job may exist: look for it by its key

Each error also is the standard class that it stands in for, survives pickling, and has three parts: the place, the fact
and the way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from datetime import date

    from tunekit.data.check.report import Report
    from tunekit.jobs.record import JobRecord


class TunekitError(Exception):
    """The root of all errors of tunekit.

    Args:
        fact: What is the case, with the offending value as Python writes it.
        hint: The way out, as a sentence.
        place: File and line, field, setting or job; `None` where the call itself is the place.
    """

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without any change."""

    def __init__(self, fact: str, *, hint: str, place: str | None = None) -> None:
        self.fact = fact
        self.hint = hint
        self.place = place
        super().__init__(f"{place}: {fact} {hint}" if place else f"{fact} {hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    cls: type[TunekitError], args: tuple[object, ...], state: dict[str, object]
) -> TunekitError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class DatasetInvalid(TunekitError, ValueError):
    """The rows have errors, so nothing was started. `report` holds all of them."""

    def __init__(self, fact: str, *, hint: str, report: Report, place: str | None = None) -> None:
        super().__init__(fact, hint=hint, place=place)
        self.report = report


class DatasetChanged(TunekitError, RuntimeError):
    """The rows are not the ones that were checked: their source changed in between."""


class SourceNotFound(TunekitError, FileNotFoundError):
    """There is no file where rows were to be read."""


class FormatUnknown(TunekitError, ValueError):
    """The format was named wrongly, or the rows have a shape that no format describes."""


class FormatLoss(TunekitError, ValueError):
    """A row cannot be written in the format without losing a part of it."""


class FileKept(TunekitError, FileExistsError):
    """A file is already there, and replacing it was not asked for."""


class SettingInvalid(TunekitError, ValueError):
    """A setting has a value that it cannot have here."""


class MissingExtra(TunekitError, ImportError):
    """A feature needs an optional dependency that is not installed. `extra` names it."""

    def __init__(self, fact: str, *, hint: str, extra: str, place: str | None = None) -> None:
        super().__init__(fact, hint=hint, place=place)
        self.extra = extra


class BaseModelNotFound(TunekitError, LookupError):
    """The model to start from is neither in the catalog, nor a folder, nor a known id."""


class MethodUnsupported(TunekitError, NotImplementedError):
    """This backend cannot run that way of tuning, or has no such ability."""


class CapabilityRetired(MethodUnsupported):
    """The provider no longer offers that way of tuning, or that base model.

    `since` is the day from which it is gone, `successor` what the provider says to use instead.
    """

    def __init__(
        self, fact: str, *, hint: str, since: date, successor: str | None, place: str | None = None
    ) -> None:
        super().__init__(fact, hint=hint, place=place)
        self.since = since
        self.successor = successor


class BudgetExceeded(TunekitError, ValueError):
    """The run could cost more than it may. Nothing was started."""


class AccessDenied(TunekitError, PermissionError):
    """The provider does not know who you are, or you may not do that."""


class JobNotFound(TunekitError, LookupError):
    """The backend has no job of that id."""


class ModelNotFound(TunekitError, LookupError):
    """The backend has no tuned model of that id."""


class JobFailed(TunekitError, RuntimeError):
    """The job ended without a model. `record` is its last state."""

    def __init__(
        self, fact: str, *, hint: str, record: JobRecord, place: str | None = None
    ) -> None:
        super().__init__(fact, hint=hint, place=place)
        self.record = record


class JobCancelled(JobFailed):
    """The job ended without a model because it was cancelled."""


class TunedButNotDeployed(JobFailed):
    """The model was tuned and paid for, and could not be deployed. Deploy it again; there is no need to tune again."""


class JobTimeout(TunekitError, TimeoutError):
    """The time to wait is over. The job goes on; wait again or pick it up by its id."""


class KeyReused(TunekitError, ValueError):
    """A job of this key exists, and it was asked for with other rows or settings."""


class ExportFailed(TunekitError, RuntimeError):
    """What writes or runs a format broke off. Nothing was kept of the export."""


class ExportDrifted(TunekitError, RuntimeError):
    """An exported model does not answer as the tuned one does. Nothing was kept of it."""


class BackendFault(TunekitError):
    """A backend could not do what was asked of it. The cause is the vendor's own error."""


class TransientFault(BackendFault, ConnectionError):
    """The request was refused or lost before anything happened."""

    retryable = True


class QuotaExceeded(BackendFault, RuntimeError):
    """The backend has no room for the request now; nothing happened."""

    retryable = True


class SubmissionUnknown(BackendFault, RuntimeError):
    """The answer to a submission was lost: the job may exist, and its key finds it."""
