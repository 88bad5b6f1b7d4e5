"""What a worker's main process does about a task that only its hard time limit ends.

Guarantee: it runs again, and is a dead letter with that reason after OVERRUNS runs; Celery would
requeue it until the lane's delivery limit, which is hours in one worker process.
"""

from billiard.exceptions import TimeLimitExceeded
from celery.worker.request import Request

# The soft limit has gone unheeded this often: that is no accident of the surroundings.
OVERRUNS = 3


class LaneRequest(Request):
    """The `Request` of every LaneTask."""

    _overrun = False

    def on_failure(self, exc_info, *args, **kwargs):
        # Celery calls on_timeout() after this, and only that keeps the reason: a message rejected
        # here could be filed without one.
        wrapped = exc_info.exception
        if not isinstance(getattr(wrapped, "exc", wrapped), TimeLimitExceeded):
            super().on_failure(exc_info, *args, **kwargs)

    def on_timeout(self, soft, timeout):
        self._overrun = not soft
        self.task.request_stack.push(self._context)  # The reason is kept with the task's name.
        try:
            super().on_timeout(soft, timeout)
        finally:
            self.task.request_stack.pop()
            if not soft:
                # Already done, unless the reason could not be kept: the database may be away.
                self.reject(requeue=True)

    def reject(self, requeue=False):
        # Lost connections are deliveries too; what they add here is one replay at most.
        deliveries = 1 + (self.message.headers or {}).get("x-delivery-count", 0)
        super().reject(requeue=requeue and not (self._overrun and deliveries >= OVERRUNS))
