"""What the operations of the API's description refer to: problems, headers, and who sends them."""

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
        "request_id": {"type": ["string", "null"], "description": "For who asks the operators."},
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
    "404": "There is no such thing, or it is somebody else's.",
    "409": "Not as things are; `type` and `detail` say why.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "This Idempotency-Key came before with another body.",
    "429": "Too many requests; Retry-After says how many seconds to wait.",
    "503": "Not now; Retry-After says how many seconds to wait.",
}
PROBLEM_BODY = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
TEXT = {"type": "string"}
HEADERS = {
    "X-Request-Id": {
        "description": "The request's id, as it was given or made; it stands in the logs.",
        "required": True,
        "schema": TEXT | {"pattern": r"^[A-Za-z0-9._:/+=@-]{1,128}$"},
    },
    "RateLimit-Policy": {
        "description": 'What is allowed: "policy";q=requests;w=seconds, one for each limit.',
        "schema": TEXT,
    },
    "RateLimit": {
        "description": 'What is left: "policy";r=requests;t=seconds, one for each limit.',
        "schema": TEXT,
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "ETag": {"description": "For If-None-Match.", "required": True, "schema": TEXT},
    "Link": {"description": "The pages around, as in the body (RFC 8288).", "schema": TEXT},
    "Idempotent-Replayed": {
        "description": "This is the answer that an earlier request got.",
        "schema": TEXT | {"const": "true"},
    },
}
PARAMETERS = {
    "X-Request-Id": "An id for this request; another one is made where it is not of letters, "
    "digits and ._:/+=@- or longer than 128 characters.",
    "If-None-Match": "The ETag of an answer that the client has.",
}
OF_ALL = ("X-Request-Id", "RateLimit-Policy", "RateLimit")


def components() -> dict:
    """By kind and name, as OpenAPI has them."""
    responses = {
        status: {"description": meaning, "headers": headers(status), "content": PROBLEM_BODY}
        for status, meaning in PROBLEMS.items()
    }
    responses["304"] = {
        "description": "What the client has still holds.",
        "headers": headers("304"),
    }
    parameters = {
        name: {"name": name, "in": "header", "description": meaning, "schema": TEXT}
        for name, meaning in PARAMETERS.items()
    }
    return {"responses": responses, "parameters": parameters, "headers": HEADERS}


def headers(status: str, *others: str) -> dict:
    """Those of an answer with this status, and others that it has."""
    own = {"304": ["ETag"], "429": ["Retry-After"], "503": ["Retry-After"]}.get(status, [])
    return {name: reference("headers", name) for name in (*OF_ALL, *own, *others)}


def reference(kind: str, name: str) -> dict:
    return {"$ref": f"#/components/{kind}/{name}"}
