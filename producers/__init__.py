"""Service systems -> Kafka: sources that give events, the publisher that delivers them, and the simulated city."""
