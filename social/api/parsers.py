"""Strict parsing of JSON bodies: refuse whatever two parsers could understand differently."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser


class PayloadTooLarge(APIException):
    status_code = 413
    default_detail = "The body is too large."
    default_code = "payload_too_large"


class StrictJSONParser(BaseParser):
    """UTF-8 without BOM; no duplicate keys, no NaN or Infinity, no lone surrogates."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise PayloadTooLarge
        if len(body) < _announced(parser_context):
            raise ParseError("The body is incomplete, or its transfer encoding is malformed.")
        try:
            text = body.decode("utf-8")
            parsed = json.loads(
                text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
            )
            if "\\ud" in text.lower():
                json.dumps(parsed, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError) as error:
            raise ParseError(f"Malformed JSON: {type(error).__name__}.") from error
        return parsed


def _announced(context: Mapping[str, Any] | None) -> int:
    """The length that the body should have. It is shorter if the client disconnected or stalled
    inside the body, or if its chunked encoding was malformed: see connectify/bodies.py."""
    return int(context["request"].META.get("CONTENT_LENGTH") or 0) if context else 0


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
