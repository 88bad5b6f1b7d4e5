"""gunicorn's configuration, which it loads from the directory in which it is started: bounded
queues, and logs as JSON."""

# The most connections that wait for a worker, and that one worker holds for its threads, including
# idle ones. Two workers of four threads answer this many in a second or two. With gunicorn's
# defaults 4,000 could wait, and most of their clients would be gone before their turn.
backlog = 128
worker_connections = 128

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "connectify.logs.json_formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False}},
}
