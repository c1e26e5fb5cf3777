"""Pages of the dashboard, and the app that Streamlit runs."""
