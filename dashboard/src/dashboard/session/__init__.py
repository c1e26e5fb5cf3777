"""Logins: the cookie in the browser, the tokens in this process, and the session of each tab."""
