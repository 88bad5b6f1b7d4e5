"""Shared by demo, faults and benchmarks."""
