"""What schemathesis changes in each request that it makes (see schemathesis.toml)."""

import uuid

import schemathesis

KEY = "Idempotency-Key"
LONGEST = 255


@schemathesis.hook
def before_call(context, case, kwargs):
    headers = case.headers or {}
    for name, value in headers.items():
        # A number, where a request's id is taken for that of a post; no header can be one.
        headers[name] = str(value)
    # No key comes twice: the second time it would be answered with the post of the first, which
    # may be deleted since. Those that are well formed stay so.
    if KEY in headers and case.meta and case.meta.generation.mode.is_positive:
        unique = uuid.uuid4().hex
        headers[KEY] = headers[KEY][: LONGEST - len(unique)] + unique
