"""The script that Streamlit runs for each look at a page."""

from dashboard.frame import show_page

show_page()
