"""Google's managed tuning: Vertex AI, spoken to as Google's own clients speak to it."""
