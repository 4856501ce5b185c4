"""What people and machines read: terminal, progress, JSON, Markdown, names. Knows no landmark."""
