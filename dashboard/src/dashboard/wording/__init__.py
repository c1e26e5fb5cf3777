"""How things are said: errors, figures, times, and people's own texts."""
