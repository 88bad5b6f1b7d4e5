from django.db import migrations

# PostgreSQL raises an error for a time zone that it does not know, and one that it knew when it was
# saved may be gone with the next version of its data. Inside a statement over many users that would
# cost all of them their pushes.
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
