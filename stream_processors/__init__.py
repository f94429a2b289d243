"""Kafka to stores: the two processors, their transport and their durable state."""
