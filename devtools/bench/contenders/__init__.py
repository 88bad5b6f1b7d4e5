"""Other ways to write the same rows, on the same servers, by as many connections as ours."""
