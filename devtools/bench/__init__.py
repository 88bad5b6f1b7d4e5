"""The benchmarks behind bin/bench: each a module that ends in a Benchmark."""
