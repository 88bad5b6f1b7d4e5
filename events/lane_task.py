"""The base class of all Celery tasks: late acknowledgement, and retries of passing errors in the
task's own lane.

Guarantee: a task ends with its effect or, after its last attempt, as a dead letter of its queue. If
its retry cannot be published, the message is rejected and becomes a dead letter too.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeAlias

import amqp.exceptions
import structlog
from billiard.einfo import ExceptionInfo
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Signature, Task, states
from celery.app.task import Context
from django.db import close_old_connections
from structlog.contextvars import bind_contextvars, clear_contextvars

from events import metrics, plain, trace
from events.errors import PassingError, passing, wrap_passing_errors
from events.routing import CONFIRM_TIMEOUT, lane_of

log = structlog.get_logger(__name__)


class LaneTask(Task[..., Any]):
    """Declare with `@shared_task(base=LaneTask, name="<app>.<verb>_<noun>", lane="<app>.<lane>")`.

    Arguments are keyword-only, and ids rather than objects.
    """

    Request = "events.lane_request:LaneRequest"
    lane: str
    # Names the columns of arguments that are lists of lists, so that a dead letter can be found by
    # the ids in them: {"slices": ("post_id", "after", "up_to")}.
    columns: Mapping[str, Sequence[str]] = MappingProxyType({})
    acks_late = True
    acks_on_failure_or_timeout = False
    reject_on_worker_lost = True
    ignore_result = True
    autoretry_for = (PassingError, SoftTimeLimitExceeded)
    max_retries = 8
    retry_backoff = 1
    retry_backoff_max = 300
    retry_jitter = True
    time_limit = 600
    soft_time_limit = 540

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Wrap the passing errors of `run`, since Celery chooses retries by an error's class alone.
        Celery makes a subclass for each task."""
        super().__init_subclass__(**kwargs)
        if "run" in cls.__dict__:
            run = _wrapping_passing_errors(cls.__dict__["run"])
            cls.run = run  # type: ignore[method-assign]  # The same, wrapped.

    def enqueue(
        self, *, lane: str | None = None, countdown: int | None = None, **kwargs: Any
    ) -> None:
        """Publish the task, and return once the broker has confirmed that a queue stores it.

        Raises a passing error. If somebody has deleted the lane, the next call declares it again.
        """
        options: dict[str, Any] = {"confirm_timeout": CONFIRM_TIMEOUT, "mandatory": True}
        if countdown is not None:
            options["countdown"] = countdown
        with self.app.producer_or_acquire() as producer:
            try:
                self.apply_async(
                    kwargs=kwargs,
                    queue=lane or self.lane,
                    headers=trace.task_headers(),
                    producer=producer,
                    retry=False,
                    **options,
                )
            except Exception as error:
                # As in publisher.py: a late confirm must not be counted for the next message. Also,
                # only a new connection declares the queues again.
                producer.connection.collect()
                if isinstance(error, amqp.exceptions.ChannelError):
                    raise ConnectionError(f"lane {lane or self.lane}: {error}") from error
                raise

    def signature_from_request(
        self,
        request: Context | None = None,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        queue: str | None = None,
        **extra_options: Any,
    ) -> Signature[Any]:
        """Return the signature of a retry, in the lane that the request came from."""
        source = lane_of((request or self.request).delivery_info)
        return super().signature_from_request(
            request, args, kwargs, queue or source or self.lane, **extra_options
        )

    def before_start(self, task_id: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Close dead connections, which are reused from task to task, and set the log context."""
        close_old_connections()
        clear_contextvars()
        carried = {name: self.request.get(name) for name in trace.CARRIED if self.request.get(name)}
        bind_contextvars(task_id=task_id, **carried)
        self.request.update(begun=time.monotonic())

    def after_return(
        self,
        status: str,
        retval: object,
        task_id: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        einfo: ExceptionInfo | None,
    ) -> None:
        metrics.TASKS.labels(self.name, status).inc()
        # `begun` is missing if the main process calls this for a child that it has killed.
        if begun := self.request.get("begun"):
            metrics.TASK_SECONDS.labels(self.name).observe(time.monotonic() - begun)

    def on_failure(
        self,
        exc: BaseException | None,
        task_id: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        einfo: ExceptionInfo,
    ) -> None:
        """Store the exception under the task's id, since dead-lettering does not carry it."""
        close_old_connections()
        if isinstance(exc, PassingError):
            exc = exc.__cause__
        try:
            self.app.backend.store_result(
                task_id,
                exc,
                states.FAILURE,
                traceback=plain.text(einfo.traceback),
                request=self.request,
            )
        except Exception as error:
            if passing(error):
                raise
            # The message becomes a dead letter all the same, without the reason.
            log.exception("a task's failure cannot be stored", task_id=task_id)


Run: TypeAlias = "Callable[..., Any] | staticmethod[..., Any]"


def _wrapping_passing_errors(run: Run) -> Run:
    if isinstance(run, staticmethod):
        return staticmethod(_wrapping_passing_errors(run.__func__))

    @wraps(run)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with wrap_passing_errors():
            return run(*args, **kwargs)

    return wrapped
