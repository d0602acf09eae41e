"""What several label formats are written in: JSON that knows its lines, and text."""
