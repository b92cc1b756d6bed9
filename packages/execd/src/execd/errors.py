"""The tree of refusals: an error's class owns its HTTP status and its code.

One place in `http/problem.py` turns these into bodies. Codes form a closed set (spec/openapi.yaml); a class is added
here when the first room can raise it.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ExecdError(Exception):
    """A request that the daemon refuses, or a fault of its own, in the words of the wire.

    `message` is one sentence for a person; `details` is data for a program.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "RUNTIME_ERROR"

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InternalFault(ExecdError):
    """A fault of the daemon's own."""


class InvalidRequestBody(ExecdError):
    """The body is not what the route takes; the message names the field."""

    status = 400
    code = "INVALID_REQUEST_BODY"


class MissingQuery(ExecdError):
    """A required query parameter is absent."""

    status = 400
    code = "MISSING_QUERY"


class InvalidQuery(ExecdError):
    """A query parameter cannot be understood, or names what does not exist yet."""

    status = 400
    code = "INVALID_QUERY"


class InvalidFile(ExecdError):
    """What is there is no regular file, or the upload is no multipart body."""

    status = 400
    code = "INVALID_FILE"


class InvalidFileMetadata(ExecdError):
    """An upload's metadata is wrong, or missing before its file; the message names the field."""

    status = 400
    code = "INVALID_FILE_METADATA"


class InvalidFileContent(ExecdError):
    """An upload lacks a file that its metadata announced."""

    status = 400
    code = "INVALID_FILE_CONTENT"


class LanguageNotSupported(ExecdError):
    """No kernel serves the language here; `details.installed` lists the languages that one serves."""

    status = 400
    code = "LANGUAGE_NOT_SUPPORTED"


class Unauthorized(ExecdError):
    """The access token is missing or wrong."""

    status = 401
    code = "UNAUTHORIZED"


class PermissionDenied(ExecdError):
    """The daemon lacks the privilege that the request needs."""

    status = 403
    code = "PERMISSION_DENIED"


class ForbiddenOrigin(ExecdError):
    """A web page, or a rebound name, tries to drive a daemon that has no token."""

    status = 403
    code = "FORBIDDEN_ORIGIN"


class FileNotFound(ExecdError):
    """There is nothing at a path."""

    status = 404
    code = "FILE_NOT_FOUND"


class CommandNotFound(ExecdError):
    """No command of that id, or retention has forgotten it."""

    status = 404
    code = "COMMAND_NOT_FOUND"


class ContextNotFound(ExecdError):
    """No context of that id."""

    status = 404
    code = "CONTEXT_NOT_FOUND"


class SessionNotFound(ExecdError):
    """No session of that id."""

    status = 404
    code = "SESSION_NOT_FOUND"


class ExecutionNotFound(ExecdError):
    """No execution of that id, or retention has forgotten it."""

    status = 404
    code = "EXECUTION_NOT_FOUND"


class UploadNotFound(ExecdError):
    """No resumable upload has that id; it may have expired."""

    status = 404
    code = "UPLOAD_NOT_FOUND"


class RouteNotFound(ExecdError):
    """No such route."""

    status = 404
    code = "ROUTE_NOT_FOUND"


class MethodNotAllowed(ExecdError):
    """The route exists, the method does not."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class BodyTimeout(ExecdError):
    """The body did not arrive in time."""

    status = 408
    code = "BODY_TIMEOUT"


class NotADirectory(ExecdError):
    """Something that is no directory is in the way."""

    status = 409
    code = "NOT_A_DIRECTORY"


class IsADirectory(ExecdError):
    """A directory is where a file was expected."""

    status = 409
    code = "IS_A_DIRECTORY"


class PathExists(ExecdError):
    """There is something at the path already."""

    status = 409
    code = "PATH_EXISTS"


class DirectoryNotEmpty(ExecdError):
    """A directory that was to be removed holds something."""

    status = 409
    code = "DIRECTORY_NOT_EMPTY"


class AlreadyFinished(ExecdError):
    """The execution has ended; there is nothing to stop."""

    status = 409
    code = "ALREADY_FINISHED"


class ExecutionConflict(ExecdError):
    """The execution id is taken by another request."""

    status = 409
    code = "EXECUTION_CONFLICT"


class StdinClosed(ExecdError):
    """The execution has no standard input, or it is closed."""

    status = 409
    code = "STDIN_CLOSED"


class OffsetMismatch(ExecdError):
    """A part does not follow what has been taken; `details.offset` says how much that is."""

    status = 409
    code = "OFFSET_MISMATCH"


class PayloadTooLarge(ExecdError):
    """The body is larger than its limit."""

    status = 413
    code = "PAYLOAD_TOO_LARGE"


class RangeNotSatisfiable(ExecdError):
    """The file has no byte of the range; `details.size` is how many it has."""

    status = 416
    code = "RANGE_NOT_SATISFIABLE"


class LimitReached(ExecdError):
    """A limit on live things is reached; later may do."""

    status = 429
    code = "LIMIT_REACHED"


class NotSupported(ExecdError):
    """In the contract, but not in this daemon."""

    status = 501
    code = "NOT_SUPPORTED"


class NotReady(ExecdError):
    """The daemon is still starting; `details.waiting_for` says for what."""

    status = 503
    code = "EXECD_NOT_READY"


class ShuttingDown(ExecdError):
    """The daemon is going down and takes nothing new."""

    status = 503
    code = "SHUTTING_DOWN"


class NoSpace(ExecdError):
    """The disk, or the quota, is full; nothing was written."""

    status = 507
    code = "NO_SPACE"
