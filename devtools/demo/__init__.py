"""bin/demo: posts over HTTP as real users, and the proof that each follower got each post once."""
