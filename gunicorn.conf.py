"""gunicorn's own lines are JSON as all others, and its queues are bounded; it finds this file where
it is started."""

# Requests that wait: for a worker to take them, and in each worker for a thread, idle connections
# included. Two workers of four threads answer so many in a second or two. With gunicorn's defaults
# 4,000 may wait, most of whose clients have gone when their turn comes.
backlog = 128
worker_connections = 128

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "connectify.logs.json_formatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False}},
}
