"""What may be typed about matters."""
