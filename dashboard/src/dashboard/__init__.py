"""The pages for people: everything here goes through the farebox client."""
