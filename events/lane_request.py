"""What a worker's main process does with a task that its hard time limit has ended.

Guarantee: the task runs again, and after OVERRUNS runs it is a dead letter with that reason. Celery
alone would requeue it until the lane's delivery limit, which blocks a worker process for hours.
"""

from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import TimeLimitExceeded
from celery.app.task import Context
from celery.worker.request import Request

# If a task ignores its soft limit this often, the task itself is at fault and not a slow server.
OVERRUNS = 3


class LaneRequest(Request):
    """The `Request` of every LaneTask."""

    _context: Context
    _overrun = False

    def on_failure(self, exc_info: ExceptionInfo, *args: Any, **kwargs: Any) -> None:
        # For a hard time limit Celery calls on_timeout() after this, and only on_timeout() stores
        # the reason. A message rejected here could be filed without one.
        wrapped = exc_info.exception
        if not isinstance(getattr(wrapped, "exc", wrapped), TimeLimitExceeded):
            super().on_failure(exc_info, *args, **kwargs)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        self._overrun = not soft
        # The result backend reads the task's name from the request stack.
        self.task.request_stack.push(self._context)
        try:
            super().on_timeout(soft, timeout)
        finally:
            self.task.request_stack.pop()
            if not soft:
                # Has no effect if the call above has already rejected the message. It has not if
                # storing the reason failed, for example because the database is down.
                self.reject(requeue=True)

    def reject(self, requeue: bool = False) -> None:
        # The count includes deliveries that ended with a lost connection. At worst the task becomes
        # a dead letter too early, which costs one replay.
        deliveries = 1 + (self.message.headers or {}).get("x-delivery-count", 0)
        super().reject(requeue=requeue and not (self._overrun and deliveries >= OVERRUNS))
