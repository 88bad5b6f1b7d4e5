from django.db import migrations

# PostgreSQL raises an error for an unknown time zone, and a zone that it knew when it was saved may
# be missing from a later version of its data. In a statement over many users, that error would fail
# the pushes of all of them.
CREATE = """
CREATE FUNCTION notifications_clock(moment timestamptz, zone text) RETURNS time
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (moment AT TIME ZONE zone)::time;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (moment AT TIME ZONE 'UTC')::time;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0013_subscription_address")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION notifications_clock(timestamptz, text)")]
