"""Delivery: claims the pushes of a post, sends them to the push services, settles their outcomes.

pushing.py is the way in for a round of pushes. Claims and settling touch the database, `sending`
and what lies below it the push services.
"""
