"""Kubernetes manifests of the processes in docker/compose.yaml."""
