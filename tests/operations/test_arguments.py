import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("command", ["repair_post", "rebuild_timeline"])
@pytest.mark.parametrize(
    "given", ["0", "-1", "-5", str(2**63), "9" * 5_000, "x", "1.5", "", "1_0", "٣"]
)
def test_an_invalid_id_is_refused_with_its_name(command, given):
    with pytest.raises(CommandError, match=r"_id: give a whole number from 1 to 9,223,"):
        call_command(command, given)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "kind"), [("repair_post", "post"), ("rebuild_timeline", "user")]
)
def test_the_largest_id_is_accepted_and_finds_nothing(command, kind):
    with pytest.raises(CommandError, match=f"There is no {kind} {2**63 - 1}"):
        call_command(command, str(2**63 - 1))
