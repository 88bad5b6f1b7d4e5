"""Django settings. Values that differ between machines are read from environment variables here."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectify.browsers import CONTENT_SECURITY_POLICY as CONTENT_SECURITY_POLICY
from connectify.browsers import CORS_ALLOW_HEADERS as CORS_ALLOW_HEADERS
from connectify.browsers import CORS_EXPOSE_HEADERS as CORS_EXPOSE_HEADERS
from connectify.browsers import CORS_URLS_REGEX as CORS_URLS_REGEX
from connectify.database import options
from connectify.environment import Environment
from connectify.installed import APPS
from connectify.logs import logging_config
from connectify.openapi import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

env = Environment()

# A process that needs a secret which WITHOUT names fails when it first uses it, by Django's own
# checks or because an empty address leads nowhere.
SECRET_KEY = env.key("SECRET_KEY") if env.given("SECRET_KEY") else ""
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])

INSTALLED_APPS = [
    "connectify.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "django_celery_results",
    *APPS,
]

MIDDLEWARE = [
    "connectify.requests.RequestContext",
    "operations.metrics.RequestMetrics",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "social.api.headers.ApiHeaders",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "social.api.exact_paths.ExactPaths",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "connectify.urls"
WSGI_APPLICATION = "connectify.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- the servers -------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {}
DATABASE_DIRECT: dict[str, Any] = {}
if env.given("DATABASE_URL"):
    DATABASES["default"] = env.db("DATABASE_URL") | {
        "ENGINE": "connectify.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # They do not work through a transaction pooler.
    }
    # Options in the URL take precedence.
    DATABASES["default"]["OPTIONS"] = options(sys.argv) | DATABASES["default"].get("OPTIONS", {})
    # If DATABASE_URL leads to a transaction pooler, DATABASE_DIRECT_URL is the database's own
    # address: LISTEN, and locks that outlive a transaction, need a session. Behind a pooler, set
    # the options above on the role (ALTER ROLE … SET), since PgBouncer ignores them
    # (ignore_startup_parameters = options).
    DATABASE_DIRECT = {
        name: value
        for name, value in env.db("DATABASE_DIRECT_URL", default=env("DATABASE_URL")).items()
        if name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")
        and value != DATABASES["default"][name]
    }
# kombu would take an empty URL for a broker on this machine.
BROKER_URL = env("BROKER_URL") if env.given("BROKER_URL") else "without:"
REDIS_URL = env("REDIS_URL") if env.given("REDIS_URL") else ""
# URL of RabbitMQ's management API, with a login. Without it, manage.py doctor does not examine
# bindings and policies.
BROKER_MANAGEMENT_URL = env("BROKER_MANAGEMENT_URL", default="")
CELERY_APP = "celery_app"  # the module that creates the Celery app

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}

# --- HTTP --------------------------------------------------------------------------------------

# HTTPS=0 is for development only.
HTTPS = env.bool("HTTPS", True)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = ["^health/", "^metrics$"]  # Load balancers and Prometheus use plain HTTP.
# The number of our own proxies before the web server. Only their entries in X-Forwarded-For (the
# client's address) and X-Forwarded-Proto (HTTPS) are trusted.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, (0, 100))
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
# Other origins whose pages may use the API, such as https://app.example.com. Default: none.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])

# --- users and the API -------------------------------------------------------------------------

AUTH_USER_MODEL = "social.User"
PASSWORD_HASHERS = ["social.hashing.BoundedArgon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# The client's page for setting a new password. It gets ?user_id=…&token=… and sends them to the
# API.
PASSWORD_RESET_URL = env("PASSWORD_RESET_URL", default="http://localhost:3000/reset-password")
PASSWORD_RESET_TIMEOUT = 3_600  # seconds
# The client's page for confirming a mail address. It gets ?token=…
EMAIL_CONFIRM_URL = env("EMAIL_CONFIRM_URL", default="http://localhost:3000/confirm-email")
vars().update(env.email("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="connectify@localhost")
KNOX_TOKEN_MODEL = "social.Token"
# Disables knox's migrations, which would create the table of the model that ours replaces.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"TOKEN_TTL": timedelta(days=90), "AUTH_HEADER_PREFIX": "Bearer"}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["social.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["social.api.renderers.FastJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["social.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "social.api.problems.problem_response",
    "DEFAULT_THROTTLE_CLASSES": [
        "social.api.throttling.CallerThrottle",
        "social.api.queries.KnownParameters",
    ],
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is for CORS only; OpenAPI describes the API.
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "social.api.negotiation.AlwaysJSON",
}
THROTTLE_WINDOW_SECONDS = 60


def throttle(scope: str, **requests: int) -> dict[str, int]:
    """Return the requests per window that each kind of caller may make. Overridden by a variable
    such as THROTTLE_READ=user=50;address=500."""
    given = env.counts(f"THROTTLE_{scope}", requests, (1, 1_000_000_000))
    return given if env.bool("THROTTLE", True) else {}


# `address` is the highest since many users may share an address; `user` covers all tokens (devices)
# of a user. Failed logins to one account are limited to `account` from one network and to `ceiling`
# from all networks together.
THROTTLES = {
    "read": throttle("READ", user=600, token=300, address=1_200),
    "write": throttle("WRITE", user=240, token=120, address=600),
    "post": throttle("POST", user=30, token=30, address=120),
    "follow": throttle("FOLLOW", user=60, token=60, address=240),
    "login": throttle("LOGIN", token=10, account=10, ceiling=1_000, address=30),
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # A post has at most 5,000 characters.

# --- pushes ------------------------------------------------------------------------------------

VAPID_PRIVATE_KEY = env("VAPID_PRIVATE_KEY") if env.given("VAPID_PRIVATE_KEY") else ""
VAPID_SUBJECT = env("VAPID_SUBJECT", default="mailto:operator@example.invalid")
# Replaces the hosts in notifications/push_hosts.txt; the same patterns are allowed.
PUSH_HOSTS = env.list("PUSH_HOSTS", default=[])
# The class for each value of a subscription's `transport`. FCM needs a key file from Firebase's
# console.
PUSH_TRANSPORTS = {"web_push": "notifications.delivery.transports.web_push.WebPush"}
FCM_KEY_FILE = env("FCM_KEY_FILE", default=None)
FCM_ORIGIN = env("FCM_ORIGIN", default="https://fcm.googleapis.com")
if FCM_KEY_FILE:
    PUSH_TRANSPORTS["fcm"] = "notifications.delivery.transports.fcm.Fcm"
# Publish a test post every minute, and measure that it passes through the whole system.
CANARY = env.bool("CANARY", True)
if DEBUG or CANARY:
    PUSH_TRANSPORTS["console"] = "notifications.delivery.transports.console.Console"
# The most requests in flight, and so sockets, from one process to one push service. Below this
# limit the number adapts to how fast the service answers.
PUSH_IN_FLIGHT = env.number("PUSH_IN_FLIGHT", 1_000, (8, 10_000))
# Only for the demo and the tests, whose push service runs on this machine; never in production.
PUSH_ALLOW_LOOPBACK = env.bool("PUSH_ALLOW_LOOPBACK", False)

# --- the bus: retention ------------------------------------------------------------------------

# Returns True if texts about these posts must be hidden from operators.
EVENTS_CONCEALED = "social.posts.any_deleted"
# Rows with the text of posts, which may be deleted posts, are gone within 8 days: see
# docs/privacy.md.
EVENTS_KEEP_PUBLISHED = env.days("EVENTS_KEEP_PUBLISHED_DAYS", 7)
# A message older than this is refused, since the inbox cannot recognise a redelivery any more.
EVENTS_KEEP_INBOX = env.days("EVENTS_KEEP_INBOX_DAYS", 8)
EVENTS_KEEP_LETTERS = env.days("EVENTS_KEEP_LETTERS_DAYS", 90)
EVENTS_KEEP_RESULTS = env.days("EVENTS_KEEP_RESULTS_DAYS", 7)

# --- metrics for Prometheus --------------------------------------------------------------------

# The bearer token for /metrics on the web server. If it is empty, /metrics answers 404.
METRICS_TOKEN = env("METRICS_TOKEN", default="")
# The port on which every other process serves its metrics; 0 for none.
METRICS_PORT = env.number("METRICS_PORT", 0, (0, 65_535))
METRICS_ADDRESS = env("METRICS_ADDRESS", default="127.0.0.1")

# --- analytics: retention of records and of rollups by minute and hour (rollups by day stay) ----

# Longer than EVENTS_KEEP_INBOX, so that the first record of an event still exists when the event
# comes again.
ANALYTICS_KEEP_RECORDS = env.days("ANALYTICS_KEEP_RECORDS_DAYS", 35)
ANALYTICS_KEEP_MINUTES = env.days("ANALYTICS_KEEP_MINUTES_DAYS", 2)
ANALYTICS_KEEP_HOURS = env.days("ANALYTICS_KEEP_HOURS_DAYS", 90)

# Authors get no figures about fewer users than this: the figures would reveal when one of them
# sleeps, mutes the author or stays away.
FIGURES_FROM = env.number("FIGURES_FROM", 10, (1, 1_000_000))

# --- overload ----------------------------------------------------------------------------------

# Beyond these limits, requests that add to the outbox get 503 with Retry-After; reading goes on.
# The second limit is the least free share of the disk.
OVERLOAD_PENDING_EVENTS = env.number("OVERLOAD_PENDING_EVENTS", 500_000, (1, 1_000_000_000))
OVERLOAD_FREE_DISK = env.number("OVERLOAD_FREE_DISK", 0.10, (0.0, 0.99))
# Deleting, unfollowing, blocking and closing an account may exceed both limits by this share.
OVERLOAD_RESERVE = env.number("OVERLOAD_RESERVE", 0.5, (0.01, 1.0))
# A path on the database's disk. If the database runs on another machine, a mount of its disk.
OVERLOAD_DISK_PATH = env("OVERLOAD_DISK_PATH", default="/")

# --- fan-out -----------------------------------------------------------------------------------

# The most rows that one task writes when several posts wait. With more rows per task, each row
# touches fewer index pages: 25,000 take a third less CPU time per row than 10,000. A redelivered
# task still repeats only a tenth of a second of work.
TIMELINE_TASK_ROWS = env.number("TIMELINE_TASK_ROWS", 25_000, (1, 1_000_000))
TIMELINE_LARGE_AUDIENCE = env.number("TIMELINE_LARGE_AUDIENCE", 10_000, (0, 1_000_000_000))
TIMELINE_BACKFILL_POSTS = env.number("TIMELINE_BACKFILL_POSTS", 50, (1, 10_000))
# Nothing is written to the timelines of owners who have not read them for so long. They are filled
# in when the owners return.
TIMELINE_DORMANT_AFTER = env.days("TIMELINE_DORMANT_AFTER_DAYS", 30)
# Older rows are dropped; older pages of a timeline are then read from the authors' posts. At 100
# million rows a day, 30 days are 1,500 partitions and 264 GB.
TIMELINE_KEEP = env.days("TIMELINE_KEEP_DAYS", 30)
NOTIFICATION_KEEP = env.days("NOTIFICATION_KEEP_DAYS", 30)
# While a lane holds this many tasks, its consumer takes no events. 200 tasks are some seconds of
# work for two cores, so the workers never wait, and few for the broker to reload at a restart.
TIMELINE_LANE_TASKS = env.number("TIMELINE_LANE_TASKS", 200, (1, 100_000))
PUSH_LANE_TASKS = env.number("PUSH_LANE_TASKS", 200, (1, 100_000))
PUSH_TASK_SUBSCRIBERS = env.number("PUSH_TASK_SUBSCRIBERS", 500, (1, 10_000))
# Posts per partition of the tables that are keyed by post. Small enough that the indexes of the
# newest partition stay in cache.
PARTITION_POSTS = env.number("PARTITION_POSTS", 2_000, (1, 10_000_000))

# --- other settings ----------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
# The folder that `collectstatic` fills. If unset, static files are served from their packages.
STATIC_ROOT = env("STATIC_ROOT", default=None)
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_ROOT = Path(__file__).parent / "root"  # /robots.txt and /favicon.ico
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Flower's URL, to which the operations page links.
FLOWER_URL = env("FLOWER_URL", default="")
# Flower reads these itself. We check its login, and create its user at RabbitMQ.
FLOWER_BASIC_AUTH = env("FLOWER_BASIC_AUTH", default="")
FLOWER_BROKER_API = env("FLOWER_BROKER_API", default="")
ADMIN_PATH = env("ADMIN_PATH", default="admin/")
LOGGING_CONFIG = None
logging_config(env("LOG_LEVEL", default="INFO"))
