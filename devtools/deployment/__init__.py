"""What is written for a deployment: secrets for each service, and Kubernetes manifests."""
