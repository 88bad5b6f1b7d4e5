"""Settings of drf-spectacular, which generates the API's OpenAPI description."""

TAGS = {
    "accounts": "Your account, its password, and the devices that are logged in.",
    "analytics": "Figures about your posts.",
    "blocks": "The users that you block.",
    "health": "Health checks for load balancers.",
    "mutes": "The users that you mute.",
    "notifications": "The notifications that you have received.",
    "posts": "Writing, reading, editing and deleting single posts.",
    "push": "Your devices, and preferences for push notifications.",
    "relationships": "What other users are to you.",
    "timeline": "The posts of the users that you follow.",
    "users": "Other users, and following them.",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Connectify",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "DESCRIPTION": "A walk through it, with examples: docs/api.md.",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "CONTACT": {"name": "The operators of this server"},
    "SERVERS": [{"url": "/", "description": "The server that this description comes from."}],
    "TAGS": [{"name": name, "description": text} for name, text in TAGS.items()],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "social.api.description.complete",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {"ServerStateEnum": ["ok", "unreachable"]},
    "PATH_CONVERTER_OVERRIDES": {
        "id": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1}
    },
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # null keeps Swagger UI from sending the description to a validation server on the Internet.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
}
