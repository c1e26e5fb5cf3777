"""One's own account."""

from farebox.calls import Call, nothing, one, value
from farebox.operations import Group, S, operation
from farebox.results.accounts import User


class Me(Group[S]):
    """The account that is signed in."""

    @operation
    def get(self) -> Call[User]:
        """Who is signed in."""
        return Call("GET", "/v1/me", one(User))

    @operation
    def set_display_name(self, display_name: str | None) -> Call[User]:
        """Choose what others read in place of the account's name."""
        return Call("PATCH", "/v1/me", one(User), json={"display_name": display_name})

    @operation
    def change_password(self, current_password: str, new_password: str) -> Call[None]:
        """Change the password. Every login made with the old one ends, this one too."""
        passwords = {"current_password": current_password, "new_password": new_password}
        # A repeated change would be refused: the current password is no longer the one sent.
        return Call("PUT", "/v1/me/password", nothing, json=passwords, repeatable=False)

    @operation
    def export(self) -> Call[dict[str, object]]:
        """Everything that each service keeps about this account."""
        return Call("GET", "/v1/me/export", value(dict[str, object]))

    @operation
    def delete(self) -> Call[None]:
        """Delete the account with its models, datasets and API keys, and close its wallet."""
        return Call("DELETE", "/v1/me", nothing, repeatable=False)
