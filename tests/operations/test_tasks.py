import pytest

from fanout import partitions
from operations.tasks import create_partitions


@pytest.mark.django_db
def test_partitions_are_made_ahead_of_the_newest_post(post):
    create_partitions()
    for table in (
        "timelines_timelineentry",
        "notifications_notification",
        "notifications_delivery",
    ):
        ahead = [bounds for bounds in partitions.bounds(table) if bounds[1] > post.pk]
        assert len(ahead) >= 6
