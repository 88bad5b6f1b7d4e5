"""Complete the OpenAPI document; a postprocessing hook of drf-spectacular.

Adds to each operation the problems that it may answer, its headers and a summary (the beginning of
its description), and says that unknown fields are refused. Serializers may have the attributes
`example` (of the answer), `request_example`, and `required_in_patch`: the fields that a PATCH must
contain. Without the last one, a PATCH must contain at least one field.
"""

import re
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from social.api.components import PARAMETERS, PROBLEM, PROBLEMS, components, headers, reference
from social.api.problems import API_PREFIX, MEDIA_TYPE


def may_answer(status: int) -> dict[Any, Any]:
    """An entry for the `responses` of an operation that may answer with this problem in addition to
    those that are added for all operations."""
    schema = reference("schemas", "Problem")
    return {(status, MEDIA_TYPE): OpenApiResponse(schema, PROBLEMS[str(status)])}


def complete(
    result: dict[str, Any], generator: Any, request: Request | None, public: bool
) -> dict[str, Any]:
    """Complete `result`, the OpenAPI document as dictionaries, in place; returns it."""
    schemas = result["components"].setdefault("schemas", {})
    for (name, _), component in generator.registry._components.items():
        schema = schemas.get(name, {})
        if schema.get("type") == "object":
            _complete_object(name, schema, component.object)
    schemas["Problem"] = PROBLEM
    result["components"] |= components()
    for path, operations in result["paths"].items():
        for operation in operations.values():
            operation.setdefault("summary", _first_words(operation["description"]))
        if path.startswith(API_PREFIX):
            for method, operation in operations.items():
                _complete_operation(method, operation)
                if body := operation.get("requestBody"):
                    body["required"] = _has_required(body, schemas)
    return result


def _complete_object(name: str, schema: dict[str, Any], serializer: Serializer[Any]) -> None:
    # drf-spectacular makes separate "…Request" components, without the read-only fields.
    if name.endswith("Request"):
        schema["additionalProperties"] = False
    if name.startswith("Patched"):
        required = getattr(serializer, "required_in_patch", None)
        schema |= {"required": required} if required else {"minProperties": 1}
    for field in schema["properties"].values():
        _merge_with_empty(field)
    example = getattr(serializer, "example", {})
    if name.endswith("Request"):
        example = getattr(serializer, "request_example", example)
    if shown := {key: example[key] for key in example if key in schema["properties"]}:
        schema["examples"] = [shown]


def _merge_with_empty(field: dict[str, Any]) -> None:
    """Merge the two alternatives by which drf-spectacular describes "this pattern, or empty" into
    one pattern. `oneOf` requires exactly one match, and the default "" may match both."""
    text, *empty = field.get("oneOf", [{}])
    if empty != [{"type": "string", "maxLength": 0}]:
        return
    either = field.pop("oneOf")
    if "pattern" in text:
        field |= text | {"pattern": f"^(?:{text['pattern']})?$"}
    else:
        field["anyOf"] = either  # Most validators ignore formats: an empty text matches both.


def _first_words(description: str) -> str:
    """The description up to the first full stop, colon or semicolon before white space."""
    return re.split(r"[.:;](?:\s|$)", description, maxsplit=1)[0].replace("\n", " ")


def _complete_operation(method: str, operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    names = {parameter["name"] for parameter in parameters}
    answers = operation["responses"]
    for status, answer in answers.items():
        answer["headers"] = headers(status, *_own_headers(method, names))
    common = _statuses(method, operation) | (answers.keys() & PROBLEMS.keys())
    answers |= {status: reference("responses", status) for status in sorted(common)}
    kept = method == "get"
    sent = [name for name in PARAMETERS if kept or name != "If-None-Match"]
    parameters += [reference("parameters", name) for name in sent]


def _has_required(body: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether an empty object would be refused as body. Then a request without a body is too."""
    [content] = body["content"].values()
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    return bool({"required", "minProperties", "oneOf"} & schema.keys())


def _own_headers(method: str, parameters: set[str]) -> list[str]:
    """The headers of an operation's success that not all answers have."""
    own = ["ETag"] if method == "get" else []
    if parameters & {"cursor", "before"}:
        own.append("Link")
    if "Idempotency-Key" in parameters:
        own.append("Idempotent-Replayed")
    return own


def _statuses(method: str, operation: dict[str, Any]) -> set[str]:
    """The statuses that the operation may answer with and that are described once for all."""
    parameters = operation["parameters"]
    places = {parameter["in"] for parameter in parameters}
    statuses = {"400", "429", "503"}
    if method == "get":
        statuses.add("304")
    if "requestBody" in operation:
        statuses |= {"413", "415"}
    if "path" in places:
        statuses.add("404")
    if {"token": []} in operation["security"]:
        statuses.add("401")
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        statuses |= {"409", "422"}
    return statuses
