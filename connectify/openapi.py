"""How the API describes itself: settings of drf-spectacular."""

TAGS = {
    "accounts": "One's own account, its password, and the devices that are logged in.",
    "analytics": "What has become of one's own posts.",
    "blocks": "Whom one blocks.",
    "health": "For load balancers.",
    "mutes": "Whom one mutes.",
    "notifications": "What one was told of.",
    "posts": "Posts by themselves.",
    "push": "Devices, and what is pushed to them.",
    "timeline": "The posts of those whom one follows.",
    "users": "Other people, and how one stands to them.",
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
    # A description is nobody else's to look at: without null a server of Swagger's is asked.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
}
