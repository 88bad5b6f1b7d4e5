"""The caller's own figures over REST. Nobody can read the figures of others."""

from datetime import UTC, datetime, time, timedelta

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import figures
from analytics.api.serializers import FiguresPageSerializer, SpanSerializer
from analytics.models import Rollup
from social.api.requests import AuthenticatedRequest

DAY = timedelta(days=1)


class FiguresView(APIView):
    """Posts, reach, pushes, followers gained and lost, and latencies, oldest first. Days or hours
    without events are left out. Times are UTC, and figures are some seconds old."""

    period: Rollup.Period
    days: int

    @extend_schema(parameters=[SpanSerializer], responses=FiguresPageSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        since, until = self._span(request.query_params.dict())
        rows = figures.series(request.user.pk, self.period, since, until)
        return Response(FiguresPageSerializer({"results": rows}).data)

    def _span(self, given: dict[str, str]) -> tuple[datetime, datetime]:
        asked = SpanSerializer(data=given)
        asked.is_valid(raise_exception=True)
        until = asked.validated_data.get("until") or timezone.now().astimezone(UTC).date()
        days = timedelta(days=self.days)
        if until.toordinal() <= self.days or until.year > 9000:
            raise ValidationError({"until": ["Give a day before the year 9000."]})
        since = asked.validated_data.get("since") or until - days + DAY
        if not timedelta(0) <= until - since < days:
            raise ValidationError({"since": [f"Ask for at most {self.days} days up to `until`."]})
        start = datetime.combine(since, time(), UTC)
        return start, datetime.combine(until, time(), UTC) + DAY


class DaysView(FiguresView):
    __doc__ = f"Read one's figures by day. {FiguresView.__doc__}"
    period = Rollup.Period.DAY
    days = 92


class HoursView(FiguresView):
    __doc__ = f"Read one's figures by hour, of the last 90 days. {FiguresView.__doc__}"
    period = Rollup.Period.HOUR
    days = 7
