"""bin/faults: breaks Connectify in known ways, and checks that nothing is lost."""
