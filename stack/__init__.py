"""What a clone runs beside itself on one machine: private servers, on loopback only."""
