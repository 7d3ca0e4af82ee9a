"""The Kafka engine: aiokafka, without Kafka's transactions and without auto-commit."""
