"""The benchmarks that bin/bench runs. Each is a module that defines a BENCHMARK."""
