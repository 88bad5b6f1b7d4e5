"""What all parts of the API's description share. A postprocessing hook of drf-spectacular.

The problems that each operation may answer; that unknown fields are refused; and examples, which
serializers have as their attribute `example`.
"""

from drf_spectacular.utils import OpenApiResponse

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
MEANINGS = {
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
REFERENCE = {"$ref": "#/components/schemas/Problem"}


def may_answer(status: int) -> dict:
    """For the `responses` of an operation that may answer this one beside those of all."""
    return {(status, MEDIA_TYPE): OpenApiResponse(REFERENCE, MEANINGS[str(status)])}


def complete(result: dict, generator, request, public: bool) -> dict:
    """Called with OpenAPI as dictionaries, which it changes."""
    schemas = result["components"].setdefault("schemas", {})
    for (name, _), component in generator.registry._components.items():
        schema = schemas.get(name, {})
        if schema.get("type") == "object":
            _complete_object(name, schema, getattr(component.object, "example", {}))
    schemas["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status in sorted(_statuses(method, operation)):
                operation["responses"].setdefault(
                    status,
                    {
                        "description": MEANINGS[status],
                        "content": {MEDIA_TYPE: {"schema": REFERENCE}},
                    },
                )
    return result


def _complete_object(name: str, schema: dict, example: dict) -> None:
    # Requests have components of their own, without what only answers have.
    if name.endswith("Request"):
        schema["additionalProperties"] = False
    if shown := {key: example[key] for key in example if key in schema["properties"]}:
        schema["examples"] = [shown]


def _statuses(method: str, operation: dict) -> set[str]:
    parameters = operation.get("parameters", ())
    places = {parameter["in"] for parameter in parameters}
    statuses = {"429", "503"}
    if method != "get" or "query" in places:
        statuses.add("400")
    if "requestBody" in operation:
        statuses |= {"413", "415"}
    if "path" in places:
        statuses.add("404")
    if {"token": []} in operation["security"]:
        statuses.add("401")
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        statuses |= {"409", "422"}
    return statuses
