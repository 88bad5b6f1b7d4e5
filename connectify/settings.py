"""Django settings. What differs between machines is read from the environment here, once."""

import sys
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

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


def required(name: str) -> str:
    """The environment variable's value; refuses to start without it, saying what to do."""
    if name not in env:
        hint = 'on your own machine: bin/services up; eval "$(bin/services env)"'
        raise ImproperlyConfigured(f"{name} is not set ({hint})")
    return env(name)


required("SECRET_KEY")
SECRET_KEY = env.key("SECRET_KEY")
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

required("DATABASE_URL")
DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"].update(
    ENGINE="connectify.postgresql",
    CONN_MAX_AGE=600,
    CONN_HEALTH_CHECKS=True,
    DISABLE_SERVER_SIDE_CURSORS=True,  # They do not pass a transaction pooler.
)
# What the URL says wins.
DATABASES["default"]["OPTIONS"] = options(sys.argv) | DATABASES["default"].get("OPTIONS", {})
# Behind a transaction pooler, the database's own address: LISTEN, and locks that outlive a
# transaction, need a session. There the options above must be the role's (ALTER ROLE … SET), since
# PgBouncer ignores them (ignore_startup_parameters = options).
DATABASE_DIRECT = {
    name: value
    for name, value in env.db("DATABASE_DIRECT_URL", default=env("DATABASE_URL")).items()
    if name in ("HOST", "PORT", "NAME", "USER", "PASSWORD") and value != DATABASES["default"][name]
}
BROKER_URL = required("BROKER_URL")
REDIS_URL = required("REDIS_URL")
# With a login, for manage.py doctor; without it bindings and policies are not examined.
BROKER_MANAGEMENT_URL = env("BROKER_MANAGEMENT_URL", default="")
CELERY_APP = "celery_app"  # the module that makes it

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}

# --- the way in --------------------------------------------------------------------------------

# HTTPS=0 is for one's own machine only.
HTTPS = env.bool("HTTPS", True)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = ["^health/", "^metrics$"]  # Load balancers and Prometheus ask without.
# How many proxies of our own stand before the web server. Only what they say is believed, of the
# client's address (X-Forwarded-For) and of HTTPS (X-Forwarded-Proto).
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, (0, 100))
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
# Pages of other origins that may use the API, such as https://app.example.com; none otherwise.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])

# --- people and the API ------------------------------------------------------------------------

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
# Where people set a new password: a page of the client's, given ?user_id=…&token=… to send here.
PASSWORD_RESET_URL = env("PASSWORD_RESET_URL", default="http://localhost:3000/reset-password")
PASSWORD_RESET_TIMEOUT = 3_600  # seconds
# Where people confirm a mail address: another of its pages, given ?token=…
EMAIL_CONFIRM_URL = env("EMAIL_CONFIRM_URL", default="http://localhost:3000/confirm-email")
vars().update(env.email("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="connectify@localhost")
KNOX_TOKEN_MODEL = "social.Token"
# Its migrations would make the table of the model that ours stands in for.
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
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is for CORS; the description says the rest.
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "social.api.negotiation.AlwaysJSON",
}
THROTTLE_WINDOW_SECONDS = 60


def throttle(scope: str, **requests: int) -> dict[str, int]:
    """How many requests a window each caller may make; THROTTLE_<SCOPE>=user=50;address=500."""
    given = env.counts(f"THROTTLE_{scope}", requests, (1, 1_000_000_000))
    return given if env.bool("THROTTLE", True) else {}


# An address has many people behind it, and a person has many devices. An account is one that
# somebody fails to enter, `account` times from one network and `ceiling` times from all of them.
THROTTLES = {
    "read": throttle("READ", user=600, token=300, address=1_200),
    "write": throttle("WRITE", user=240, token=120, address=600),
    "post": throttle("POST", user=30, token=30, address=120),
    "follow": throttle("FOLLOW", user=60, token=60, address=240),
    "login": throttle("LOGIN", token=10, account=10, ceiling=1_000, address=30),
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # A post has at most 5,000 characters.

# --- pushes ------------------------------------------------------------------------------------

VAPID_PRIVATE_KEY = required("VAPID_PRIVATE_KEY")
VAPID_SUBJECT = env("VAPID_SUBJECT", default="mailto:operator@example.invalid")
# In place of the hosts in notifications/push_hosts.txt, in its language.
PUSH_HOSTS = env.list("PUSH_HOSTS", default=[])
# What a subscription's transport stands for. With a key file of Firebase's console, FCM as well.
PUSH_TRANSPORTS = {"web_push": "notifications.transports.web_push.WebPush"}
FCM_KEY_FILE = env("FCM_KEY_FILE", default=None)
FCM_ORIGIN = env("FCM_ORIGIN", default="https://fcm.googleapis.com")
if FCM_KEY_FILE:
    PUSH_TRANSPORTS["fcm"] = "notifications.transports.fcm.Fcm"
# A post a minute through the whole house, by which it is seen that posts arrive.
CANARY = env.bool("CANARY", True)
if DEBUG or CANARY:
    PUSH_TRANSPORTS["console"] = "notifications.transports.console.Console"
# Requests in flight to one push service, and so sockets, of one process: how many there are follows
# how the service answers, up to this.
PUSH_IN_FLIGHT = env.number("PUSH_IN_FLIGHT", 1_000, (8, 10_000))
# For the demo and the tests, whose push service listens on this machine; never in production.
PUSH_ALLOW_LOOPBACK = env.bool("PUSH_ALLOW_LOOPBACK", False)

# --- the bus: how long it keeps what -----------------------------------------------------------

EVENTS_CONCEALED = "social.posts.any_deleted"  # what operators are not shown the words of
# What holds the words of posts that may be deleted is gone within 8 days: see docs/privacy.md.
EVENTS_KEEP_PUBLISHED = env.days("EVENTS_KEEP_PUBLISHED_DAYS", 7)
# A message that comes again later than this is not known any more, and so is refused.
EVENTS_KEEP_INBOX = env.days("EVENTS_KEEP_INBOX_DAYS", 8)
EVENTS_KEEP_LETTERS = env.days("EVENTS_KEEP_LETTERS_DAYS", 90)
EVENTS_KEEP_RESULTS = env.days("EVENTS_KEEP_RESULTS_DAYS", 7)

# --- figures for Prometheus --------------------------------------------------------------------

# Of the web, at /metrics: whoever asks must bear this token; without one there is nothing there.
METRICS_TOKEN = env("METRICS_TOKEN", default="")
# Of every other process, at a port of its own; 0 for none.
METRICS_PORT = env.number("METRICS_PORT", 0, (0, 65_535))
METRICS_ADDRESS = env("METRICS_ADDRESS", default="127.0.0.1")

# --- analytics: raw records, and rollups by minute and hour; those by day stay ------------------

# Longer than the inbox, so that what is recorded twice would be seen.
ANALYTICS_KEEP_RECORDS = env.days("ANALYTICS_KEEP_RECORDS_DAYS", 35)
ANALYTICS_KEEP_MINUTES = env.days("ANALYTICS_KEEP_MINUTES_DAYS", 2)
ANALYTICS_KEEP_HOURS = env.days("ANALYTICS_KEEP_HOURS_DAYS", 90)

# About fewer people than this an author is told no figures: these would tell when one of them
# sleeps, mutes or stays away.
FIGURES_FROM = env.number("FIGURES_FROM", 10, (1, 1_000_000))

# --- overload ----------------------------------------------------------------------------------

# Beyond these nothing is taken that adds to the outbox (503 with Retry-After); reading goes on.
OVERLOAD_PENDING_EVENTS = env.number("OVERLOAD_PENDING_EVENTS", 500_000, (1, 1_000_000_000))
OVERLOAD_FREE_DISK = env.number("OVERLOAD_FREE_DISK", 0.10, (0.0, 0.99))
# By this share of both limits deleting, unfollowing, blocking and closing an account may go beyond.
OVERLOAD_RESERVE = env.number("OVERLOAD_RESERVE", 0.5, (0.01, 1.0))
# A path on the disk that fills; where the database has a machine of its own, an export of it.
OVERLOAD_DISK_PATH = env("OVERLOAD_DISK_PATH", default="/")

# --- fan-out -----------------------------------------------------------------------------------

# Rows of one task, where several posts wait: the more, the fewer index pages each row touches (a
# third less CPU time than with 10,000); short enough that a redelivered one repeats a tenth of a
# second.
TIMELINE_TASK_ROWS = env.number("TIMELINE_TASK_ROWS", 25_000, (1, 1_000_000))
TIMELINE_LARGE_AUDIENCE = env.number("TIMELINE_LARGE_AUDIENCE", 10_000, (0, 1_000_000_000))
TIMELINE_BACKFILL_POSTS = env.number("TIMELINE_BACKFILL_POSTS", 50, (1, 10_000))
# Owners who have not looked for so long are not written; theirs is filled in when they return.
TIMELINE_DORMANT_AFTER = env.days("TIMELINE_DORMANT_AFTER_DAYS", 30)
# Older rows are dropped, and timelines then read from their authors' posts: at 100 million rows a
# day 1,500 partitions and 264 GB.
TIMELINE_KEEP = env.days("TIMELINE_KEEP_DAYS", 30)
NOTIFICATION_KEEP = env.days("NOTIFICATION_KEEP_DAYS", 30)
# Tasks in a lane beyond which its consumer takes no more events: some seconds' work for two cores,
# so that the workers never wait, and little that a restart of the broker has to read again.
TIMELINE_LANE_TASKS = env.number("TIMELINE_LANE_TASKS", 200, (1, 100_000))
PUSH_LANE_TASKS = env.number("PUSH_LANE_TASKS", 200, (1, 100_000))
PUSH_TASK_SUBSCRIBERS = env.number("PUSH_TASK_SUBSCRIBERS", 500, (1, 10_000))
# Posts a partition of the tables that are keyed by post: the live index stays in cache.
PARTITION_POSTS = env.number("PARTITION_POSTS", 2_000, (1, 10_000_000))

# --- the rest ----------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
# Where `collectstatic` has put the files; unset, they are served from the packages they come in.
STATIC_ROOT = env("STATIC_ROOT", default=None)
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_ROOT = Path(__file__).parent / "root"  # /robots.txt and /favicon.ico
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Where operators find Flower; the operations page links there.
FLOWER_URL = env("FLOWER_URL", default="")
# Flower reads these itself; here its login is checked, and its user at RabbitMQ made.
FLOWER_BASIC_AUTH = env("FLOWER_BASIC_AUTH", default="")
FLOWER_BROKER_API = env("FLOWER_BROKER_API", default="")
ADMIN_PATH = env("ADMIN_PATH", default="admin/")
LOGGING_CONFIG = None
logging_config(env("LOG_LEVEL", default="INFO"))
