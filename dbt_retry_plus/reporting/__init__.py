"""What a retry says of itself."""
