"""Tools around the product: private servers, the demo, faults and benchmarks.

The product never imports them.
"""
