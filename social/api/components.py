"""Shared components of the OpenAPI document: problems, headers and parameters."""

from typing import Any

from social.api.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Names the problem; it never changes."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"], "description": "Give it to the operators."},
        "errors": {
            "type": "array",
            "description": "With status 400: what is wrong with which field.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "urn:connectify:problem:validation",
        "title": "Bad Request",
        "status": 400,
        "request_id": "4f1c1f1e8a3d4c1b9d0e6a7b8c9d0e1f",
        "errors": [{"field": "content", "code": "blank", "message": "A post may not be blank."}],
    },
}
PROBLEMS = {
    "400": "Something in the request is wrong.",
    "401": "There is no token, or it is not valid any more.",
    "403": "The password, or the token from the mail, is not the right one.",
    "404": "It does not exist, or it belongs to somebody else.",
    "409": "The present state does not allow this; `type` and `detail` say why.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "This Idempotency-Key was used before with another body.",
    "429": "Too many requests; Retry-After says how many seconds to wait.",
    "503": "Temporarily unavailable; Retry-After says how many seconds to wait.",
}
PROBLEM_BODY = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
TEXT = {"type": "string"}
HEADERS = {
    "X-Request-Id": {
        "description": "The request's id, given by the client or made by us; our logs contain it.",
        "required": True,
        "schema": TEXT | {"pattern": r"^[A-Za-z0-9._:/+=@-]{1,128}$"},
    },
    "RateLimit-Policy": {
        "description": 'The limits: "policy";q=requests;w=seconds, one item for each limit.',
        "schema": TEXT,
    },
    "RateLimit": {
        "description": 'Requests left: "policy";r=requests;t=seconds, one item for each limit.',
        "schema": TEXT,
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {"description": "For If-None-Match.", "required": True, "schema": TEXT},
    "Link": {"description": "The neighbouring pages, as in the body (RFC 8288).", "schema": TEXT},
    "Idempotent-Replayed": {
        "description": "This answer repeats the one to an earlier request.",
        "schema": TEXT | {"const": "true"},
    },
}
PARAMETERS = {
    "X-Request-Id": "An id for this request: at most 128 letters, digits and ._:/+=@- characters. "
    "We replace any other id by one of our own.",
    "If-None-Match": "The ETag of an answer that the client has kept.",
}
# Every answer has these headers.
ALWAYS = ("X-Request-Id", "RateLimit-Policy", "RateLimit")


def components() -> dict[str, Any]:
    """OpenAPI's `components` object, by kind and name."""
    responses = {
        status: {"description": meaning, "headers": headers(status), "content": PROBLEM_BODY}
        for status, meaning in PROBLEMS.items()
    }
    responses["304"] = {
        "description": "The answer that the client has kept is still current.",
        "headers": headers("304"),
    }
    parameters = {
        name: {"name": name, "in": "header", "description": meaning, "schema": TEXT}
        for name, meaning in PARAMETERS.items()
    }
    return {"responses": responses, "parameters": parameters, "headers": HEADERS}


def headers(status: str, *others: str) -> dict[str, Any]:
    """References to the headers of an answer with this status, and to the `others`."""
    own = {"304": ["ETag"], "429": ["Retry-After"], "503": ["Retry-After"]}.get(status, [])
    return {name: reference("headers", name) for name in (*ALWAYS, *own, *others)}


def reference(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}
