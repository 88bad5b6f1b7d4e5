"""bin/demo: posts over HTTP as real users, and checks that each follower got each post exactly
once."""
