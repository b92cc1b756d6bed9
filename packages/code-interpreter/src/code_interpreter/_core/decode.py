"""Bodies into values."""

from __future__ import annotations

from code_interpreter import _wire
from code_interpreter.results import CodeContext, Language
from opensandbox.transport import decode_body


def context(data: bytes) -> CodeContext:
    """Decode one context."""
    return _context(decode_body(data, _wire.CodeContext))


def contexts(data: bytes) -> list[CodeContext]:
    """Decode a list of contexts."""
    return [_context(told) for told in decode_body(data, list[_wire.CodeContext])]


def languages(data: bytes) -> list[Language]:
    """Decode a list of languages."""
    return [
        Language(
            name=told.name,
            aliases=tuple(told.aliases),
            kernel=told.kernel,
            version=told.version,
            warm=told.warm,
            limits=tuple(told.limits),
            warm_memory_bytes=told.warm_memory_bytes,
        )
        for told in decode_body(data, list[_wire.LanguageInfo])
    ]


def _context(told: _wire.CodeContext) -> CodeContext:
    return CodeContext(context_id=told.id, language=told.language, working_dir=told.cwd)
