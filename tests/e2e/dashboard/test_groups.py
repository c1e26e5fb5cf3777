"""The page of groups: an owner's class, and a member's view of it."""

import re

from playwright.sync_api import FilePayload, expect
from tests.e2e.dashboard.conftest import OpenWindow
from tests.support.browser import Account, Window, new_account
from tests.support.stack import Stack

from farebox.results.groups import Group

ROSTER = "external_id,name,account\n17,Ada Lovelace,{account}\n18,Grace Hopper,\n"


def create_class(account: Account) -> Group:
    return account.client.groups.create("Statistics 2", time_zone="Europe/Berlin")


def roster(account: str) -> FilePayload:
    return {"name": "roster.csv", "mimeType": "text/csv", "buffer": ROSTER.format(account=account).encode()}


def test_owner_creates_a_class_writes_its_roster_and_a_member_joins(
    open_window: OpenWindow, account: Account, stack: Stack
) -> None:
    student = new_account(stack)
    owner = open_window()
    owner.open_as(account.name, stack, path="groups")
    owner.expect_page("Groups")
    owner.page.get_by_text("Create a group").click()
    owner.fill("Name", "Statistics 2")
    owner.click("Create group")
    owner.expect_text("You are its owner.")
    owner.expect_text("1 member")

    owner.open_tab("Roster")
    owner.page.locator("input[type=file]").set_input_files(roster(student.name))
    owner.expect_text("2 added, 0 changed, 0 unchanged")
    owner.screenshot("groups-roster")
    owner.click("Write this difference")
    owner.expect_text("The roster is written.")

    owner.open_tab("Join codes")
    owner.click("Create code")
    owner.expect_text("it lasts 30 days")
    [group] = account.client.groups.list()
    code = next(code for code in account.client.groups.join_codes(group.id) if not code.personal)
    owner.open_tab("Join codes")
    owner.screenshot("groups-codes")

    member = open_window()
    member.open_as(student.name, stack, path="groups")
    member.expect_page("Groups")
    member.fill("Join code", code.code.lower())
    member.click("Join")
    member.expect_text("Welcome. Other members see you as")
    member.screenshot("groups-member")

    owner.go("Home")
    owner.go("Groups")
    owner.expect_text("2 members")
    owner.select("Member", re.compile("Ada Lovelace"))
    owner.screenshot("groups-members")
    owner.click("Remove")
    owner.click("Remove member")
    owner.expect_text("1 member")
    assert list(student.client.groups.list()) == []
    student.client.close()


def test_invalid_roster_and_code_are_explained_where_they_were_entered(
    window: Window, account: Account, stack: Stack
) -> None:
    group = create_class(account)
    window.open_as(account.name, stack, path=f"groups?group={group.id}")
    window.expect_page("Groups")
    window.open_tab("Roster")
    invalid: FilePayload = {"name": "r.csv", "mimeType": "text/csv", "buffer": b"external_id,name\n17,\n"}
    window.page.locator("input[type=file]").set_input_files(invalid)
    window.expect_text("Nothing can be written until these lines are corrected.")
    expect(window.page.get_by_role("button", name="Write this difference")).to_have_count(0)
    window.screenshot("groups-roster-invalid")
    window.page.get_by_text("Join a group").click()
    window.fill("Join code", "AAAAA-AAAAA")
    window.click("Join")
    window.expect_text("code")
    assert account.client.groups.roster(group.id).count("\n") == 1


def test_owner_renames_and_deletes_a_group(window: Window, account: Account, stack: Stack) -> None:
    group = create_class(account)
    window.open_as(account.name, stack, path=f"groups?group={group.id}")
    window.expect_page("Groups")
    window.open_tab("Settings")
    window.page.get_by_role("tabpanel").locator("visible=true").get_by_label("Name", exact=True).fill("Maths")
    window.click("Save")
    window.expect_text("Saved Maths.")
    assert account.client.groups.get(group.id).name == "Maths"
    window.open_tab("Settings")
    window.click("Delete group")
    window.click("Delete")
    window.expect_text("Deleted Maths.")
    assert list(account.client.groups.list()) == []
