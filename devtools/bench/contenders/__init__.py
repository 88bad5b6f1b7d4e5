"""Other ways to write the same rows, on the same servers and with as many connections as ours."""
