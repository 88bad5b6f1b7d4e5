"""What bin/faults does: break Connectify in known ways, and show that nothing is lost."""
