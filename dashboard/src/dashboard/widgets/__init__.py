"""Forms, charts and tables that pages share."""
