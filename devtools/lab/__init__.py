"""What demo, faults and benchmarks share."""
