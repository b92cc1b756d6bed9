"""What can go wrong, by three questions: did an answer come back, did the daemon refuse, did the user's program fail.

Catch by class or by `.error.code`; an unknown code becomes the class of its status, so a newer daemon breaks nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from opensandbox.results import Execution


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """Code, message and data of one error."""

    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


class SandboxException(Exception):
    """The root of everything that this package raises, misuse (`TypeError`, `ValueError`) apart."""

    code: ClassVar[str] = "SANDBOX_ERROR"
    retry_after_s: float | None = None
    """How long the daemon asks to wait before another try."""

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error: ErrorInfo = ErrorInfo(code or self.code, message, dict(details or {}))
        self.request_id: str | None = request_id

    def __str__(self) -> str:
        """Return the message."""
        return self.error.message


# --- nothing usable came back ---------------------------------------------------------------------------------------


class SandboxConnectionException(SandboxException, ConnectionError):
    """No usable answer came back."""

    code = "CONNECTION_FAILED"


class ExecdNotReadyException(SandboxConnectionException):
    """The daemon could not be reached, or was not ready in time; the request was not carried out."""

    code = "EXECD_NOT_READY"


class RequestTimeoutException(SandboxConnectionException, TimeoutError):
    """The daemon was reached but did not answer in time."""

    code = "REQUEST_TIMEOUT"


class StreamInterruptedException(SandboxConnectionException):
    """The stream of a run broke and could not be resumed, or its numbers do not add up (`details`: expected, received).

    `execution` holds what came.
    """

    code = "STREAM_INTERRUPTED"
    execution: Execution | None = None


# --- the daemon said no ---------------------------------------------------------------------------------------------


class SandboxApiException(SandboxException):
    """The daemon refused; `status_code` is its HTTP status."""

    code = "API_ERROR"
    status_code: int = 500


class InvalidRequestException(SandboxApiException):
    """The daemon does not take the request as it stands."""

    code = "INVALID_REQUEST_BODY"
    status_code = 400


class MissingQueryException(InvalidRequestException):
    """A required query parameter is absent."""

    code = "MISSING_QUERY"


class InvalidQueryException(InvalidRequestException):
    """A query parameter cannot be understood, or names what does not exist yet."""

    code = "INVALID_QUERY"


class InvalidFileException(InvalidRequestException):
    """The file is not of a kind that can be read or written."""

    code = "INVALID_FILE"


class InvalidFileMetadataException(InvalidRequestException):
    """The description of an uploaded file is wrong."""

    code = "INVALID_FILE_METADATA"


class InvalidFileContentException(InvalidRequestException):
    """The content of an uploaded file is missing or wrong."""

    code = "INVALID_FILE_CONTENT"


class LanguageNotSupportedException(InvalidRequestException):
    """No kernel of that language is installed; `details.installed` lists those that are."""

    code = "LANGUAGE_NOT_SUPPORTED"


class MethodNotAllowedException(InvalidRequestException):
    """The route exists, the method does not."""

    code = "METHOD_NOT_ALLOWED"
    status_code = 405


class BodyTimeoutException(InvalidRequestException, TimeoutError):
    """The request's body did not arrive in time."""

    code = "BODY_TIMEOUT"
    status_code = 408


class RangeNotSatisfiableException(InvalidRequestException):
    """The range lies outside the file."""

    code = "RANGE_NOT_SATISFIABLE"
    status_code = 416


class UnauthorizedException(SandboxApiException):
    """The access token is missing or wrong."""

    code = "UNAUTHORIZED"
    status_code = 401


class PermissionDeniedException(SandboxApiException, PermissionError):
    """The daemon lacks the privilege that the request needs."""

    code = "PERMISSION_DENIED"
    status_code = 403


class ForbiddenOriginException(PermissionDeniedException):
    """The daemon does not serve this origin or host name."""

    code = "FORBIDDEN_ORIGIN"


class NotFoundException(SandboxApiException):
    """What the request names does not exist."""

    code = "NOT_FOUND"
    status_code = 404


class FileNotFoundException(NotFoundException, FileNotFoundError):
    """The file or directory does not exist."""

    code = "FILE_NOT_FOUND"


class CommandNotFoundException(NotFoundException):
    """No command of that id, or the daemon has forgotten it."""

    code = "COMMAND_NOT_FOUND"


class ContextNotFoundException(NotFoundException):
    """No code context of that id, or it has expired; nothing was run, and what was in it is lost."""

    code = "CONTEXT_NOT_FOUND"
    execution: Execution | None = None
    state_lost: bool | None = True


class SessionNotFoundException(NotFoundException):
    """No shell session of that id."""

    code = "SESSION_NOT_FOUND"


class ExecutionNotFoundException(NotFoundException):
    """No execution of that id, or the daemon has forgotten it."""

    code = "EXECUTION_NOT_FOUND"


class UploadNotFoundException(NotFoundException):
    """No upload of that id, or it has expired."""

    code = "UPLOAD_NOT_FOUND"


class RouteNotFoundException(NotFoundException):
    """The daemon has no such route."""

    code = "ROUTE_NOT_FOUND"


class ConflictException(SandboxApiException):
    """The state of things does not allow the request."""

    code = "CONFLICT"
    status_code = 409


class PathExistsException(ConflictException, FileExistsError):
    """The path exists already."""

    code = "PATH_EXISTS"


class NotADirectoryException(ConflictException, NotADirectoryError):
    """A file is where a directory should be."""

    code = "NOT_A_DIRECTORY"


class IsADirectoryException(ConflictException, IsADirectoryError):
    """A directory is where a file should be."""

    code = "IS_A_DIRECTORY"


class DirectoryNotEmptyException(ConflictException):
    """The directory is not empty."""

    code = "DIRECTORY_NOT_EMPTY"


class AlreadyFinishedException(ConflictException):
    """The execution has ended; there is nothing to stop."""

    code = "ALREADY_FINISHED"


class AlreadyConnectedException(ConflictException):
    """The terminal has another holder."""

    code = "ALREADY_CONNECTED"


class ExecutionConflictException(ConflictException):
    """The execution id is taken by another request."""

    code = "EXECUTION_CONFLICT"


class StdinClosedException(ConflictException):
    """The execution has no standard input, or it is closed."""

    code = "STDIN_CLOSED"


class OffsetMismatchException(ConflictException):
    """The upload stands at another offset."""

    code = "OFFSET_MISMATCH"


class PayloadTooLargeException(SandboxApiException):
    """The body is larger than the daemon takes."""

    code = "PAYLOAD_TOO_LARGE"
    status_code = 413


class LimitReachedException(SandboxApiException):
    """A limit on live things is reached; later may do."""

    code = "LIMIT_REACHED"
    status_code = 429


class ServerException(SandboxApiException):
    """The daemon failed, or is going down; `execution` is set where a run ended by it."""

    code = "RUNTIME_ERROR"
    status_code = 500
    execution: Execution | None = None


class NotSupportedException(SandboxApiException):
    """The daemon cannot do this (`details.field` or `details.feature` names what)."""

    code = "NOT_SUPPORTED"
    status_code = 501


class BadGatewayException(ServerException):
    """Nothing listens where the request was to be passed on."""

    code = "BAD_GATEWAY"
    status_code = 502


class NoSpaceException(SandboxApiException):
    """The sandbox's disk is full."""

    code = "NO_SPACE"
    status_code = 507


# --- the user's program did, or was made to -------------------------------------------------------------------------


class ProgramException(SandboxException):
    """The program ended otherwise than well; `execution` is the finished run."""

    code = "PROGRAM_FAILED"
    execution: Execution | None = None
    state_lost: bool | None = None
    """Whether the state of the code context is lost; None where there is none."""


class CommandFailedException(ProgramException):
    """The command exited with another code than 0, died of a signal, or could not start.

    `details` has `exit_code`, `signal`, `cause` and `stderr` (the end of it).
    """

    code = "COMMAND_FAILED"


class ExecutionFailedException(ProgramException):
    """The code raised; raised by `check()` of its result."""

    code = "EXECUTION_FAILED"


class ExecutionTimeoutException(ProgramException, TimeoutError):
    """The run reached its timeout and was stopped."""

    code = "EXECUTION_TIMEOUT"


class KernelDiedException(ProgramException):
    """The kernel died while it ran the code."""

    code = "KERNEL_DIED"


class OutOfMemoryException(ProgramException):
    """The program was killed because memory ran out."""

    code = "OUT_OF_MEMORY"


class InterruptedException(ProgramException):
    """The run was stopped by a request."""

    code = "INTERRUPTED"


class CancelledException(ProgramException):
    """The run was stopped because its readers had gone."""

    code = "CANCELLED"


class ShuttingDownException(ProgramException):
    """The run was stopped, or a request was refused (no `execution` then), because the daemon is going down."""

    code = "SHUTTING_DOWN"
    status_code: int | None = None
    """The HTTP status of a refusal."""
