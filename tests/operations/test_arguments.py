import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("command", ["repair_post", "rebuild_timeline"])
@pytest.mark.parametrize(
    "given", ["0", "-1", "-5", str(2**63), "9" * 5_000, "x", "1.5", "", "1_0", "٣"]
)
def test_what_is_no_id_is_refused_by_its_name(command, given):
    with pytest.raises(CommandError, match=r"_id: give a whole number from 1 to 9,223,"):
        call_command(command, given)


@pytest.mark.django_db
def test_the_largest_id_is_one():
    with pytest.raises(CommandError, match=f"There is no post {2**63 - 1}"):
        call_command("repair_post", str(2**63 - 1))
