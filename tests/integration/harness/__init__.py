"""What the integration tests stand on: the program under test, a strict HTTP client, metrics."""
